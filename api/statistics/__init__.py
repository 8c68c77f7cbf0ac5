"""What panels show: key figures, trends, rankings, and the fill of each grid."""
