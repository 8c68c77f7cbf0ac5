-- page --
-- The page is cut before names are looked up. {at}, {way} and {beyond} are the order: a time, its direction, what lies beyond it.
WITH page AS MATERIALIZED (
    SELECT id, reported_at, source, source_id, category_id, title, address, place, community_id, grid_id, state, is_open, level, severity,
           urgent, supervised, officer_id, due_at, version
      FROM incident
     WHERE community_id = ANY (:communities)
       AND (CAST(:grid_id AS bigint) IS NULL OR grid_id = :grid_id)
       AND (CAST(:states AS text[]) IS NULL OR state = ANY (:states))
       AND (CAST(:open AS boolean) IS NULL OR is_open = :open)
       AND (CAST(:overdue AS boolean) IS NULL OR (coalesce(due_at < :now, false) AND is_open) = :overdue)
       AND (:every OR category_id = ANY (:categories))
       AND (CAST(:starts AS timestamptz) IS NULL OR reported_at >= :starts)
       AND (CAST(:ends AS timestamptz) IS NULL OR reported_at < :ends)
       AND (CAST(:closed_from AS timestamptz) IS NULL OR closed_at >= :closed_from)
       AND (CAST(:closed_to AS timestamptz) IS NULL OR closed_at < :closed_to)
       AND (CAST(:due_from AS timestamptz) IS NULL OR due_at >= :due_from)
       AND (CAST(:due_to AS timestamptz) IS NULL OR due_at < :due_to)
       AND (:all_day OR extract(hour FROM reported_at AT TIME ZONE (SELECT deployment_time_zone()))::integer = ANY (:hours))
       -- An archive is looked at from its own moment; a day's grace for clocks that run ahead.
       AND reported_at < CAST(:now AS timestamptz) + interval '1 day'
       AND (CAST(:before_at AS timestamptz) IS NULL OR ({at} {beyond}= :before_at AND ({at} {beyond} :before_at OR id {beyond} :before_id)))
       AND {at} IS NOT NULL
     ORDER BY {at} {way}, id {way}
     LIMIT :limit
)
SELECT page.id, page.reported_at, page.source, CASE WHEN (SELECT gate.may('particulars')) THEN page.source_id ELSE '' END AS source_id,
       CASE WHEN (SELECT gate.may('particulars')) THEN page.title ELSE '' END AS title,
       CASE WHEN (SELECT gate.may('particulars')) THEN page.address ELSE '' END AS address, ST_X(page.place) AS lon, ST_Y(page.place) AS lat,
       page.state, page.level, page.severity, page.urgent, page.supervised, page.due_at, page.version, is_open AND coalesce(due_at < :now, false) AS overdue,
       page.category_id, category.name AS category_name, category.name_en AS category_name_en, category.symbol AS category_symbol,
       page.grid_id, grid.code AS grid_code, grid.name AS grid_name, grid.name_en AS grid_name_en,
       community.code AS community_code, community.name AS community_name, community.name_en AS community_name_en,
       page.officer_id, officer.name AS officer_name
  FROM page
  JOIN category ON category.id = page.category_id
  LEFT JOIN grid ON grid.id = page.grid_id
  LEFT JOIN area AS community ON community.id = page.community_id
  LEFT JOIN officer ON officer.id = page.officer_id
 ORDER BY page.{at} {way}, page.id {way};

-- one --
SELECT incident.*, ST_X(place) AS lon, ST_Y(place) AS lat, is_open AND coalesce(due_at < :now, false) AS overdue,
       category.name AS category_name, category.name_en AS category_name_en, category.symbol AS category_symbol,
       grid.code AS grid_code, grid.name AS grid_name, grid.name_en AS grid_name_en,
       community.code AS community_code, community.name AS community_name, community.name_en AS community_name_en,
       officer.name AS officer_name
  FROM incident
  JOIN category ON category.id = incident.category_id
  LEFT JOIN grid ON grid.id = incident.grid_id
  LEFT JOIN area AS community ON community.id = incident.community_id
  LEFT JOIN officer ON officer.id = incident.officer_id
 WHERE incident.id = :id AND (:everything OR incident.community_id = ANY (:communities));

-- locked --
SELECT * FROM incident WHERE id = :id AND (:everything OR community_id = ANY (:communities)) FOR UPDATE;

-- log --
SELECT serial, at, actor_id, action, from_state, to_state, seconds_used, overdue, note
  FROM incident_log WHERE incident_id = :id ORDER BY serial;

-- placements --
SELECT at, grid_id, grid_version, placed_by, why FROM incident_placement WHERE incident_id = :id ORDER BY at;

-- claim --
-- Takes the numbers of a source, in one order for every writer so that two batches never lock each other; others keep theirs.
INSERT INTO intake (source, source_id, cell, incident_id, reported_at, community_id, content_hash)
SELECT source, source_id, cell, id, reported_at, community_id, decode(content_hash, 'hex')
  FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row (
       source text, source_id text, cell integer, id bigint, reported_at timestamptz, community_id integer, content_hash text)
 ORDER BY source COLLATE "C", source_id COLLATE "C"
ON CONFLICT (source, source_id) DO NOTHING
RETURNING source, source_id;

-- met --
SELECT source, source_id, incident_id, content_hash
  FROM intake JOIN unnest(CAST(:sources AS text[]), CAST(:source_ids AS text[])) AS asked (source, source_id) USING (source, source_id);

-- add --
INSERT INTO incident (cell, id, reported_at, source, source_id, category_id, rule_id, title, address, place, qk, community_id, grid_id,
       grid_version, placed_by, border_distance_m, ambiguous, state, severity, urgent, officer_id, due_at)
SELECT cell, id, reported_at, source, source_id, category_id, rule_id, title, address,
       CASE WHEN lon IS NOT NULL THEN ST_SetSRID(ST_MakePoint(lon, lat), 4490) END, qk, community_id, grid_id, grid_version, placed_by,
       border_distance_m, ambiguous, 'reported', severity, urgent, officer_id, due_at
  FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row (
       cell integer, id bigint, reported_at timestamptz, source text, source_id text, category_id integer, rule_id integer, title text,
       address text, lon double precision, lat double precision, qk bigint, community_id integer, grid_id bigint, grid_version integer,
       placed_by text, border_distance_m real, ambiguous boolean, severity smallint, urgent boolean, officer_id bigint, due_at timestamptz);

-- begin_log --
INSERT INTO incident_log (cell, incident_id, serial, at, community_id, actor_id, action, to_state, seconds_used, note)
SELECT cell, id, 1, now(), community_id, :actor_id, 'report', 'reported', 0, ''
  FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row (cell integer, id bigint, community_id integer);

-- continue_log --
INSERT INTO incident_log (cell, incident_id, serial, at, community_id, actor_id, action, from_state, to_state, seconds_used, overdue, note,
       before, undo_until)
SELECT :cell, :id, coalesce(max(serial), 0) + 1, :at, :community_id, :actor_id, :action, :from_state, :to_state, :seconds_used, :overdue, :note,
       CAST(:before AS jsonb), CASE WHEN CAST(:before AS jsonb) IS NOT NULL THEN clock_timestamp() + make_interval(secs => :undo_s) END
  FROM incident_log WHERE incident_id = :id;

-- last_step --
SELECT action, actor_id, before, undo_until IS NULL OR undo_until < clock_timestamp() AS too_late
  FROM incident_log WHERE cell = :cell AND incident_id = :id ORDER BY serial DESC LIMIT 1;

-- hands --
-- Who answers for the grid, and the nearest on duty by where they were last seen; how many open incidents each has.
WITH here AS MATERIALIZED (
    SELECT grid_id, place FROM incident WHERE id = :id AND (:everything OR community_id = ANY (:communities))
), answering AS MATERIALIZED (
    SELECT officer_id FROM assignment JOIN here ON here.grid_id = assignment.grid_id WHERE duty = 'main' AND valid @> CAST(:today AS date)
), chosen AS MATERIALIZED (
    SELECT officer.id, true AS answers FROM officer JOIN answering ON officer_id = officer.id
    UNION ALL
    (SELECT officer.id, false FROM officer, here
      WHERE on_duty AND last_place IS NOT NULL AND here.place IS NOT NULL AND officer.id NOT IN (SELECT officer_id FROM answering)
        AND (:everything OR officer.community_id = ANY (:communities)) AND (ended_on IS NULL OR ended_on > CAST(:today AS date))
      ORDER BY ST_DistanceSphere(last_place, here.place), officer.id LIMIT :nearest)
)
SELECT officer.id, officer.name, officer.on_duty, officer.last_seen_at, chosen.answers,
       ST_Distance(officer.last_place::geography, here.place::geography) AS distance_m,
       (SELECT count(*) FROM incident WHERE incident.officer_id = officer.id AND is_open) AS open
  FROM chosen JOIN officer ON officer.id = chosen.id CROSS JOIN here
 ORDER BY chosen.answers DESC, distance_m NULLS LAST, officer.id;

-- queued --
SELECT count(*) FROM incident
 WHERE is_open AND community_id = :community_id AND state = 'dispatched' AND officer_id IS NULL
   AND (:everything OR community_id = ANY (:communities));

-- begin_placement --
INSERT INTO incident_placement (cell, incident_id, at, community_id, grid_id, grid_version, placed_by, why)
VALUES (:cell, :id, :at, :community_id, :grid_id, :grid_version, :placed_by, :why);

-- twins --
-- Open incidents of the same category nearby and lately: what a new one may be a duplicate of.
SELECT id, reported_at, title, state, round(ST_DistanceSphere(place, here)::numeric, 1)::float AS distance_m
  FROM incident, (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4490) AS here) AS asked
 WHERE place && ST_Expand(here, :reach_lon, :reach_lat)
   AND community_id = ANY (:communities) AND category_id = :category_id AND id <> :id AND duplicate_of IS NULL
   AND reported_at >= CAST(:reported_at AS timestamptz) - interval '24 hours'
   AND reported_at <= CAST(:reported_at AS timestamptz) + interval '24 hours'
   AND ST_DistanceSphere(place, here) <= :within_m
 ORDER BY distance_m, id LIMIT 10;

-- officer --
SELECT id, community_id FROM officer WHERE id = :id AND (ended_on IS NULL OR ended_on > CAST(:today AS date));

-- grid --
SELECT id, version, community_id FROM grid WHERE id = :id AND valid_to IS NULL;
