"""One Folium class a layer: each hands a small configuration to the module that draws it and carries no data."""
