DROP TABLE coverage_due, grid_lineage, grid_past, grid, scheme, area_lineage, area_past, area;
DROP FUNCTION loose_edges(integer, integer), coverage_must_hold(), coverage_queue(), ended_area_is_empty(), note_areas(integer[]),
    note_grids_new(), note_grids_old(), note_grids_moved(), note_areas_new(), note_areas_old(), note_areas_moved(),
    keep_past_area(), keep_past_grid(), code_is_for_life(), ground_on_lattice(geometry);
DROP SEQUENCE area_id_seq, scheme_id_seq, grid_id_seq;
