"""Questions, one file a noun: functions (session, scope, …) that return rows, arrays or GeoDataFrames."""
