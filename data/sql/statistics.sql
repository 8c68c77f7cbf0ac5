-- moment --
-- The moment and the time zone of this deployment, and whether somebody keeps what waits near that moment.
SELECT now, zone, EXISTS (SELECT FROM waiting_moment WHERE at BETWEEN now - interval '10 minutes' AND now + interval '1 minute') AS waiting_is_kept
  FROM (SELECT deployment_now() AS now, deployment_time_zone() AS zone) AS told;

-- days --
-- All categories together by day, folded or not yet.
SELECT day, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       coalesce(sum(handled_s), 0)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT community_id, day, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_day
         WHERE community_id = ANY (:communities) AND day >= :first AND day < :after
        UNION ALL
        SELECT community_id, day, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_delta
         WHERE community_id = ANY (:communities) AND day >= :first AND day < :after) AS told
 GROUP BY day;

-- days_of_ground --
-- The whole ground by day, folded or not yet; for those who see all of it.
SELECT day, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT day, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s, due, due_closed,
               due_on_time
          FROM statistics_whole_day
         WHERE day >= :first AND day < :after
        UNION ALL
        SELECT day, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s, due, due_closed,
               due_on_time
          FROM statistics_delta
         WHERE day >= :first AND day < :after) AS told
 GROUP BY day;

-- days_of_ground_categories --
-- Some categories of the whole ground by day, folded or not yet; for those who see all of it.
SELECT day, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT day, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s, due, due_closed,
               due_on_time
          FROM statistics_ground_category
         WHERE category_id = ANY (:categories) AND day >= :first AND day < :after
        UNION ALL
        SELECT day, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s, due, due_closed,
               due_on_time
          FROM statistics_delta
         WHERE category_id = ANY (:categories) AND day >= :first AND day < :after) AS told
 GROUP BY day;

-- days_of_ground_hours --
-- Some hours of the day of the whole ground by day, of all or some categories, folded or not yet; for those who see all of it.
SELECT day, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT day, sum({held[hour + 1]}) AS reported, sum({held[hour + 25]}) AS filed, sum({held[hour + 49]}) AS ended, sum({held[hour + 73]}) AS closed,
               sum({held[hour + 97]}) AS on_spot, sum({held[hour + 121]}) AS closed_in_grid, sum({held[hour + 145]}) AS closed_in_community, sum({held[hour + 169]}) AS closed_late,
               sum({held[hour + 193]}) AS handled_s, sum({held[hour + 217]}) AS due, sum({held[hour + 241]}) AS due_closed, sum({held[hour + 265]}) AS due_on_time
          -- Joined with nothing, an array is unpacked once for all of its slots; a slice would be, too, but copies each of them.
          FROM (SELECT day, slots || '{}' AS held FROM slots_ground_day
                 WHERE category_id = ANY (:kinds) AND day = ANY (CAST(:days AS date[])) OFFSET 0) AS kept
         GROUP BY day
        UNION ALL
        SELECT day, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_delta
         WHERE (:every OR category_id = ANY (:categories)) AND hour = ANY (:hours) AND day = ANY (CAST(:days AS date[]))) AS told
 GROUP BY day;

-- months_of_ground_hours --
-- The same by whole months.
SELECT month, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT month, sum({held[hour + 1]}) AS reported, sum({held[hour + 25]}) AS filed, sum({held[hour + 49]}) AS ended, sum({held[hour + 73]}) AS closed,
               sum({held[hour + 97]}) AS on_spot, sum({held[hour + 121]}) AS closed_in_grid, sum({held[hour + 145]}) AS closed_in_community, sum({held[hour + 169]}) AS closed_late,
               sum({held[hour + 193]}) AS handled_s, sum({held[hour + 217]}) AS due, sum({held[hour + 241]}) AS due_closed, sum({held[hour + 265]}) AS due_on_time
          FROM (SELECT month, slots || '{}' AS held FROM slots_ground_month
                 WHERE category_id = ANY (:kinds) AND month >= :months_from AND month < :months_to OFFSET 0) AS kept
         GROUP BY month
        UNION ALL
        SELECT date_trunc('month', day)::date, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_delta
         WHERE (:every OR category_id = ANY (:categories)) AND hour = ANY (:hours) AND day >= :months_from AND day < :months_to) AS told
 GROUP BY month;

-- days_of_hours --
-- Some hours of the day of some communities by day, folded or not yet.
SELECT day, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT day, sum({held[hour + 1]}) AS reported, sum({held[hour + 25]}) AS filed, sum({held[hour + 49]}) AS ended, sum({held[hour + 73]}) AS closed,
               sum({held[hour + 97]}) AS on_spot, sum({held[hour + 121]}) AS closed_in_grid, sum({held[hour + 145]}) AS closed_in_community, sum({held[hour + 169]}) AS closed_late,
               sum({held[hour + 193]}) AS handled_s, sum({held[hour + 217]}) AS due, sum({held[hour + 241]}) AS due_closed, sum({held[hour + 265]}) AS due_on_time
          -- Unpacked once.
          FROM (SELECT day, slots || '{}' AS held FROM slots_community_day
                 WHERE community_id = ANY (:communities) AND day = ANY (CAST(:days AS date[])) OFFSET 0) AS kept
         GROUP BY day
        UNION ALL
        SELECT day, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_delta
         WHERE community_id = ANY (:communities) AND hour = ANY (:hours) AND day = ANY (CAST(:days AS date[]))) AS told
 GROUP BY day;

-- months_of_hours --
-- The same by whole months.
SELECT month, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT month, sum({held[hour + 1]}) AS reported, sum({held[hour + 25]}) AS filed, sum({held[hour + 49]}) AS ended, sum({held[hour + 73]}) AS closed,
               sum({held[hour + 97]}) AS on_spot, sum({held[hour + 121]}) AS closed_in_grid, sum({held[hour + 145]}) AS closed_in_community, sum({held[hour + 169]}) AS closed_late,
               sum({held[hour + 193]}) AS handled_s, sum({held[hour + 217]}) AS due, sum({held[hour + 241]}) AS due_closed, sum({held[hour + 265]}) AS due_on_time
          FROM (SELECT month, slots || '{}' AS held FROM slots_community_month
                 WHERE community_id = ANY (:communities) AND month >= :months_from AND month < :months_to OFFSET 0) AS kept
         GROUP BY month
        UNION ALL
        SELECT date_trunc('month', day)::date, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_delta
         WHERE community_id = ANY (:communities) AND hour = ANY (:hours) AND day >= :months_from AND day < :months_to) AS told
 GROUP BY month;

-- days_of_kept_categories --
-- Some categories of some communities by day, folded or not yet.
SELECT day, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT day, sum(held[place]) AS reported, sum(held[place + 31]) AS filed, sum(held[place + 62]) AS ended, sum(held[place + 93]) AS closed,
               sum(held[place + 124]) AS on_spot, sum(held[place + 155]) AS closed_in_grid, sum(held[place + 186]) AS closed_in_community, sum(held[place + 217]) AS closed_late,
               sum(held[place + 248]) AS handled_s, sum(held[place + 279]) AS due, sum(held[place + 310]) AS due_closed, sum(held[place + 341]) AS due_on_time
          -- Unpacked once.
          FROM (SELECT month, days || '{}' AS held FROM slots_category_month
                 WHERE category_id = ANY (:categories) AND community_id = ANY (:communities)
                   AND month = ANY (CAST(:months_of_days AS date[])) OFFSET 0) AS kept
          JOIN (SELECT day, date_trunc('month', day)::date AS month, extract(day FROM day)::integer AS place
                  FROM unnest(CAST(:days AS date[])) AS day) AS asked USING (month)
         GROUP BY day
        UNION ALL
        SELECT day, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_delta
         WHERE community_id = ANY (:communities) AND category_id = ANY (:categories) AND day = ANY (CAST(:days AS date[]))) AS told
 GROUP BY day;

-- months_of_categories --
-- The same by whole months.
SELECT month, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT month, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_month
         WHERE community_id = ANY (:communities) AND category_id = ANY (:categories) AND month >= :months_from AND month < :months_to
        UNION ALL
        SELECT date_trunc('month', day)::date, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_delta
         WHERE community_id = ANY (:communities) AND category_id = ANY (:categories) AND day >= :months_from AND day < :months_to) AS told
 GROUP BY month;

-- days_of_both --
-- Some categories in some hours of some communities: measures of days, folded or not yet. Day and measure are one number, since two would be
-- sorted for longer than all else takes.
SELECT cell, sum(amount)::bigint AS amount
  FROM (SELECT (month - DATE '1970-01-01' - 1) * 12 + place % 384 AS cell, amount
          -- Unpacked once; the days asked of an hour lie together.
          FROM (SELECT month, places || '{}' AS places, amounts || '{}' AS amounts, first_day, last_day
                  FROM unnest(CAST(:parts AS date[]), CAST(:first_days AS integer[]), CAST(:last_days AS integer[]))
                       AS part (month, first_day, last_day)
                  JOIN slots_crossed_month USING (month)
                 WHERE category_id = ANY (:categories) AND community_id = ANY (:communities) OFFSET 0) AS kept,
               unnest(CAST(:hours AS integer[])) AS hour,
               LATERAL (SELECT width_bucket((hour * 32 + first_day) * 12 - 1, places) + 1 AS lowest,
                               width_bucket((hour * 32 + last_day) * 12 + 11, places) AS highest OFFSET 0) AS within,
               LATERAL unnest(places[lowest:highest], amounts[lowest:highest]) AS cell (place, amount)
        UNION ALL
        SELECT (day - DATE '1970-01-01') * 12 + measure, amount
          FROM statistics_delta, LATERAL (VALUES (0, reported::bigint), (1, filed), (2, ended), (3, closed), (4, on_spot), (5, closed_in_grid),
                                                  (6, closed_in_community), (7, closed_late), (8, handled_s), (9, due), (10, due_closed), (11, due_on_time))
                                         AS each (measure, amount)
         WHERE community_id = ANY (:communities) AND category_id = ANY (:categories) AND hour = ANY (:hours) AND day = ANY (CAST(:days AS date[]))) AS told
 GROUP BY cell;

-- months_of_both --
-- The same by whole months.
SELECT month, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT month, sum({held[hour + 1]}) AS reported, sum({held[hour + 25]}) AS filed, sum({held[hour + 49]}) AS ended, sum({held[hour + 73]}) AS closed,
               sum({held[hour + 97]}) AS on_spot, sum({held[hour + 121]}) AS closed_in_grid, sum({held[hour + 145]}) AS closed_in_community, sum({held[hour + 169]}) AS closed_late,
               sum({held[hour + 193]}) AS handled_s, sum({held[hour + 217]}) AS due, sum({held[hour + 241]}) AS due_closed, sum({held[hour + 265]}) AS due_on_time
          FROM (SELECT month, measures || '{}' AS held FROM slots_crossed_month
                 WHERE category_id = ANY (:categories) AND community_id = ANY (:communities) AND month >= :months_from AND month < :months_to OFFSET 0) AS kept
         GROUP BY month
        UNION ALL
        SELECT date_trunc('month', day)::date, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_delta
         WHERE community_id = ANY (:communities) AND category_id = ANY (:categories) AND hour = ANY (:hours) AND day >= :months_from AND day < :months_to) AS told
 GROUP BY month;

-- days_of_grid --
-- A grid by day, folded or not yet.
SELECT day, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT day, sum(held[place]) AS reported, sum(held[place + 31]) AS filed, sum(held[place + 62]) AS ended, sum(held[place + 93]) AS closed,
               sum(held[place + 124]) AS on_spot, sum(held[place + 155]) AS closed_in_grid, sum(held[place + 186]) AS closed_in_community, sum(held[place + 217]) AS closed_late,
               sum(held[place + 248]) AS handled_s, sum(held[place + 279]) AS due, sum(held[place + 310]) AS due_closed, sum(held[place + 341]) AS due_on_time
          -- Unpacked once.
          FROM (SELECT month, slots || '{}' AS held FROM slots_grid_measures
                 WHERE community_id = ANY (:communities) AND grid_id = :grid AND month = ANY (CAST(:months_of_days AS date[])) OFFSET 0) AS kept
          JOIN (SELECT day, date_trunc('month', day)::date AS month, extract(day FROM day)::integer AS place
                  FROM unnest(CAST(:days AS date[])) AS day) AS asked USING (month)
         GROUP BY day
        UNION ALL
        SELECT day, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_delta
         WHERE community_id = ANY (:communities) AND grid_id = :grid AND day = ANY (CAST(:days AS date[]))) AS told
 GROUP BY day;

-- days_of_chosen_in_grid --
-- Some categories or hours of a grid by day, told from its incidents: a grid has few of a month. They are read for each run of days. The
-- community is asked of these alone, for which an index of many more would be read.
WITH lying AS MATERIALIZED (
    SELECT community_id, first, after, (reported_at AT TIME ZONE :zone)::date AS reported_on, (closed_at AT TIME ZONE :zone)::date AS ended_on, (due_at AT TIME ZONE :zone)::date AS due_on,
           reported_at, filed_at, closed_at, due_at, state, level, on_spot, suspended_s, duplicate_of,
           state = 'closed' AND duplicate_of IS NULL AS good
      FROM unnest(CAST(:run_starts AS timestamptz[]), CAST(:run_ends AS timestamptz[]), CAST(:run_firsts AS date[]), CAST(:run_afters AS date[]))
           AS run (starts, ends, first, after)
      JOIN incident ON greatest(reported_at, closed_at, due_at) >= starts AND reported_at < ends
     WHERE grid_id = :grid AND (:every OR category_id = ANY (:categories)) AND (:all_day OR hour_of(reported_at, :zone) = ANY (:hours))
), chosen AS MATERIALIZED (
    SELECT * FROM lying WHERE community_id = ANY (:communities)
)
SELECT day, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       coalesce(sum(handled_s), 0)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT reported_on AS day, count(*) AS reported, count(filed_at) AS filed, 0 AS ended, 0 AS closed, 0 AS on_spot, 0 AS closed_in_grid,
               0 AS closed_in_community, 0 AS closed_late, 0::numeric AS handled_s, 0 AS due, 0 AS due_closed, 0 AS due_on_time
          FROM chosen WHERE reported_on >= first AND reported_on < after GROUP BY 1
        UNION ALL
        SELECT ended_on, 0, 0, count(*), count(*) FILTER (WHERE good), count(*) FILTER (WHERE good AND on_spot),
               count(*) FILTER (WHERE good AND level = 'grid'), count(*) FILTER (WHERE good AND level IN ('grid', 'community')),
               count(*) FILTER (WHERE good AND closed_at > due_at),
               sum(greatest(extract(epoch FROM closed_at - reported_at)::bigint - suspended_s, 0)) FILTER (WHERE good), 0, 0, 0
          FROM chosen WHERE ended_on >= first AND ended_on < after GROUP BY 1
        UNION ALL
        SELECT due_on, 0, 0, 0, 0, 0, 0, 0, 0, 0, count(*), count(*) FILTER (WHERE state = 'closed'), count(*) FILTER (WHERE state = 'closed' AND closed_at <= due_at)
          FROM chosen
         WHERE due_on >= first AND due_on < after AND duplicate_of IS NULL AND state NOT IN ('not_filed', 'suspended') GROUP BY 1) AS told
 GROUP BY day;

-- months_of_grid_hours --
-- The same by whole months.
SELECT month, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT month, sum({held[hour + 1]}) AS reported, sum({held[hour + 25]}) AS filed, sum({held[hour + 49]}) AS ended, sum({held[hour + 73]}) AS closed,
               sum({held[hour + 97]}) AS on_spot, sum({held[hour + 121]}) AS closed_in_grid, sum({held[hour + 145]}) AS closed_in_community, sum({held[hour + 169]}) AS closed_late,
               sum({held[hour + 193]}) AS handled_s, sum({held[hour + 217]}) AS due, sum({held[hour + 241]}) AS due_closed, sum({held[hour + 265]}) AS due_on_time
          FROM (SELECT month, slots || '{}' AS held FROM slots_grid_month
                 WHERE community_id = ANY (:communities) AND grid_id = :grid AND month >= :months_from AND month < :months_to OFFSET 0) AS kept
         GROUP BY month
        UNION ALL
        SELECT date_trunc('month', day)::date, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_delta
         WHERE community_id = ANY (:communities) AND grid_id = :grid AND hour = ANY (:hours) AND day >= :months_from AND day < :months_to) AS told
 GROUP BY month;

-- months_of_grid_categories --
-- Some categories of a grid by whole months.
SELECT month, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT make_date(extract(year FROM year)::integer, of_year, 1) AS month,
               sum(held[of_year]) AS reported, sum(held[of_year + 24]) AS filed, sum(held[of_year + 48]) AS ended, sum(held[of_year + 72]) AS closed,
               sum(held[of_year + 96]) AS on_spot, sum(held[of_year + 120]) AS closed_in_grid, sum(held[of_year + 144]) AS closed_in_community, sum(held[of_year + 168]) AS closed_late,
               sum(held[of_year + 192]) AS handled_s, sum(held[of_year + 216]) AS due, sum(held[of_year + 240]) AS due_closed, sum(held[of_year + 264]) AS due_on_time
          -- Unpacked once.
          FROM (SELECT year, slots || '{}' AS held, first_month, last_month
                  FROM unnest(CAST(:years AS date[]), CAST(:first_months AS integer[]), CAST(:last_months AS integer[]))
                       AS part (year, first_month, last_month)
                  JOIN slots_grid_category USING (year)
                 WHERE community_id = ANY (:communities) AND grid_id = :grid AND category_id = ANY (:categories) OFFSET 0) AS kept,
               generate_series(first_month, last_month) AS of_year
         GROUP BY month
        UNION ALL
        SELECT date_trunc('month', day)::date, reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s,
               due, due_closed, due_on_time
          FROM statistics_delta
         WHERE community_id = ANY (:communities) AND grid_id = :grid AND category_id = ANY (:categories) AND day >= :months_from AND day < :months_to) AS told
 GROUP BY month;

-- waiting_kept --
-- The same as `waiting` from what folds keep, where they do: the week ends at their last one, some seconds ago. What fell due
-- since is added; a fold that came between is taken back.
SELECT community_id, sum(open)::integer AS open, sum(overdue)::integer AS overdue, sum(due_later_today)::integer AS due_later_today,
       sum(open_then)::integer AS open_then, sum(overdue_then)::integer AS overdue_then
  FROM (SELECT community_id, held[hour + 1] AS open, held[hour + 26] AS overdue, 0 AS due_later_today,
               held[hour + 51] AS open_then, held[hour + 76] AS overdue_then
          FROM (SELECT community_id, slots || '{}' AS held FROM slots_waiting
                 WHERE category_id = ANY (:kinds) AND community_id = ANY (:communities) OFFSET 0) AS kept, unnest(CAST(:slots AS integer[])) AS hour
        UNION ALL
        SELECT community_id, share.open, share.overdue, 0, share.open_then, share.overdue_then
          FROM waiting_delta, LATERAL waiting_share(sign, is_open, reported_at, closed_at, due_at, (SELECT at FROM waiting_moment)) AS share
         WHERE community_id = ANY (:communities) AND (:every OR category_id = ANY (:categories))
           AND (:all_day OR hour_of(reported_at, :zone) = ANY (:hours))
        UNION ALL
        SELECT community_id, 0, (due_at < :now)::integer - (due_at < (SELECT at FROM waiting_moment))::integer,
               (due_at >= :now AND due_at < :day_ends)::integer, 0, 0
          FROM incident
         WHERE is_open AND community_id = ANY (:communities) AND (:every OR category_id = ANY (:categories))
           AND (:all_day OR hour_of(reported_at, :zone) = ANY (:hours))
           AND due_at >= least((SELECT at FROM waiting_moment), :now) AND due_at < greatest((SELECT at FROM waiting_moment), :day_ends)) AS told
 GROUP BY community_id;

-- waiting_of_grid_kept --
-- The same of one grid.
SELECT community_id, sum(open)::integer AS open, sum(overdue)::integer AS overdue, sum(due_later_today)::integer AS due_later_today,
       sum(open_then)::integer AS open_then, sum(overdue_then)::integer AS overdue_then
  FROM (SELECT community_id, held[place + hour + 1] AS open, held[place + hour + 26] AS overdue, 0 AS due_later_today,
               held[place + hour + 51] AS open_then, held[place + hour + 76] AS overdue_then
          FROM (SELECT community_id, (array_position(grids, CAST(:grid AS bigint)) - 1) * 100 AS place, by_grid || '{}' AS held FROM slots_waiting_grid
                 WHERE category_id = ANY (:kinds) AND community_id = ANY (:communities) AND :grid = ANY (grids) OFFSET 0) AS kept,
               unnest(CAST(:slots AS integer[])) AS hour
        UNION ALL
        SELECT community_id, share.open, share.overdue, 0, share.open_then, share.overdue_then
          FROM waiting_delta, LATERAL waiting_share(sign, is_open, reported_at, closed_at, due_at, (SELECT at FROM waiting_moment)) AS share
         WHERE grid_id = :grid AND community_id = ANY (:communities) AND (:every OR category_id = ANY (:categories))
           AND (:all_day OR hour_of(reported_at, :zone) = ANY (:hours))
        UNION ALL
        SELECT community_id, 0, (due_at < :now)::integer - (due_at < (SELECT at FROM waiting_moment))::integer,
               (due_at >= :now AND due_at < :day_ends)::integer, 0, 0
          FROM incident
         WHERE is_open AND grid_id = :grid AND community_id = ANY (:communities) AND (:every OR category_id = ANY (:categories))
           AND (:all_day OR hour_of(reported_at, :zone) = ANY (:hours))
           AND due_at >= least((SELECT at FROM waiting_moment), :now) AND due_at < greatest((SELECT at FROM waiting_moment), :day_ends)) AS told
 GROUP BY community_id;

-- today_then --
-- Reported on the day a week ago, up to the same time.
SELECT count(*) AS reported
  FROM incident
 WHERE community_id = ANY (:communities) AND reported_at >= :then_day AND reported_at < :then AND (:every OR category_id = ANY (:categories));

-- today_then_of_ground --
-- The same of the whole ground: whole hours as they are kept, the one that was running from the index.
SELECT (SELECT coalesce(sum((SELECT sum(hours[hour + 1]) FROM unnest(CAST(:hours_before AS integer[])) AS hour)), 0)
          FROM statistics_ground_day WHERE day = :then_date AND (:every OR category_id = ANY (:categories)))
     + (SELECT coalesce(sum(reported), 0) FROM statistics_delta
         WHERE day = :then_date AND hour = ANY (:hours_before) AND (:every OR category_id = ANY (:categories)))
     + (SELECT count(*) FROM incident
         WHERE :then_hour_counts AND reported_at >= :then_hour_starts AND reported_at < :then
           AND (:every OR category_id = ANY (:categories))) AS reported;

-- waiting --
-- By community: what is open now, what of it is late, what of it is not due before the day ends; and the same hour a week ago, told
-- from what still waits and what has ended since. An incident reopened since counts as open then. An index holds the state of what ended;
-- `is_open` would be read from the table.
SELECT community_id, sum(open)::integer AS open, sum(overdue)::integer AS overdue, sum(due_later_today)::integer AS due_later_today,
       sum(open_then)::integer AS open_then, sum(overdue_then)::integer AS overdue_then
  FROM (SELECT community_id, count(*) AS open,
               count(*) FILTER (WHERE due_at < :now) AS overdue,
               count(*) FILTER (WHERE due_at >= :now AND due_at < :day_ends) AS due_later_today,
               count(*) FILTER (WHERE reported_at < :then) AS open_then,
               count(*) FILTER (WHERE due_at < :then) AS overdue_then
          FROM incident
         WHERE is_open AND community_id = ANY (:communities) AND (:every OR category_id = ANY (:categories))
         GROUP BY community_id
        UNION ALL
        SELECT community_id, 0, 0, 0, count(*) FILTER (WHERE reported_at < :then), count(*) FILTER (WHERE due_at < :then)
          FROM incident
         WHERE community_id = ANY (:communities) AND closed_at >= :then AND state IN ('closed', 'not_filed')
           AND (:every OR category_id = ANY (:categories))
         GROUP BY community_id) AS told
 GROUP BY community_id;

-- categories_by_month --
-- Reported by category and hour of the day in whole months, folded or not yet.
SELECT category_id, sum(reported) AS reported, ARRAY[
       sum(hours[1]), sum(hours[2]), sum(hours[3]), sum(hours[4]), sum(hours[5]), sum(hours[6]), sum(hours[7]), sum(hours[8]),
       sum(hours[9]), sum(hours[10]), sum(hours[11]), sum(hours[12]), sum(hours[13]), sum(hours[14]), sum(hours[15]), sum(hours[16]),
       sum(hours[17]), sum(hours[18]), sum(hours[19]), sum(hours[20]), sum(hours[21]), sum(hours[22]), sum(hours[23]), sum(hours[24])]::bigint[]
       AS hours
  FROM (SELECT category_id, reported, hours FROM statistics_month
         WHERE community_id = ANY (:communities) AND month >= :first AND month < :after
        UNION ALL
        SELECT category_id, reported, ARRAY(SELECT CASE WHEN slot = hour THEN reported ELSE 0 END FROM generate_series(0, 23) AS slot)
          FROM statistics_delta
         WHERE community_id = ANY (:communities) AND day >= :first AND day < :after AND reported <> 0) AS told
 GROUP BY category_id;

-- categories_of_grid --
-- Reported in a grid by category and hour of the day, likewise.
SELECT category_id, hour, sum(reported)::bigint AS reported
  FROM (SELECT category_id, hour, held[place + hour * 12 + last_month] - CASE WHEN first_month > 1 THEN held[place + hour * 12 + first_month - 1] ELSE 0 END
               AS reported
          FROM (SELECT category_id, (array_position(grids, CAST(:grid AS bigint)) - 1) * 288 AS place, by_grid || '{}' AS held, first_month, last_month
                  FROM unnest(CAST(:years AS date[]), CAST(:first_months AS integer[]), CAST(:last_months AS integer[]))
                       AS part (year, first_month, last_month)
                  JOIN slots_crossed_year USING (year)
                 WHERE category_id = ANY (ARRAY(SELECT id FROM category)) AND community_id = ANY (:communities) AND :grid = ANY (grids) OFFSET 0) AS kept,
               generate_series(0, 23) AS hour
        UNION ALL
        SELECT category_id, hour, held[place + hour * 31 + last_day] - CASE WHEN first_day > 1 THEN held[place + hour * 31 + first_day - 1] ELSE 0 END
          FROM (SELECT category_id, (array_position(grids, CAST(:grid AS bigint)) - 1) * 744 AS place, by_grid || '{}' AS held, first_day, last_day
                  FROM unnest(CAST(:parts AS date[]), CAST(:first_days AS integer[]), CAST(:last_days AS integer[]))
                       AS part (month, first_day, last_day)
                  JOIN slots_crossed_month USING (month)
                 WHERE category_id = ANY (ARRAY(SELECT id FROM category)) AND community_id = ANY (:communities) AND :grid = ANY (grids) OFFSET 0) AS kept,
               generate_series(0, 23) AS hour
        UNION ALL
        SELECT category_id, hour, reported FROM statistics_delta
         WHERE community_id = ANY (:communities) AND grid_id = :grid AND day >= :first AND day < :after AND reported <> 0) AS told
 GROUP BY category_id, hour;

-- categories_by_day --
-- Reported by category, days of any months, folded or not yet.
SELECT category_id, sum(reported) AS reported
  FROM (SELECT category_id, between_days(until, month, :first, :after) AS reported FROM statistics_month
         WHERE community_id = ANY (:communities) AND month >= date_trunc('month', CAST(:first AS date))::date AND month < :after
        UNION ALL
        SELECT category_id, reported FROM statistics_delta
         WHERE community_id = ANY (:communities) AND day >= :first AND day < :after) AS told
 GROUP BY category_id;

-- hours_by_day --
-- Reported by hour of the day, folded or not yet.
SELECT slot - 1 AS hour, coalesce(reported, 0) AS reported FROM unnest((SELECT ARRAY[
       sum(hours[1]), sum(hours[2]), sum(hours[3]), sum(hours[4]), sum(hours[5]), sum(hours[6]), sum(hours[7]), sum(hours[8]),
       sum(hours[9]), sum(hours[10]), sum(hours[11]), sum(hours[12]), sum(hours[13]), sum(hours[14]), sum(hours[15]), sum(hours[16]),
       sum(hours[17]), sum(hours[18]), sum(hours[19]), sum(hours[20]), sum(hours[21]), sum(hours[22]), sum(hours[23]), sum(hours[24])]::bigint[]
       AS hours
  FROM (SELECT hours FROM statistics_hour WHERE community_id = ANY (:communities) AND day >= :first AND day < :after
        UNION ALL
        SELECT ARRAY(SELECT CASE WHEN slot = hour THEN reported ELSE 0 END FROM generate_series(0, 23) AS slot)
          FROM statistics_delta
         WHERE community_id = ANY (:communities) AND day >= :first AND day < :after AND reported <> 0) AS told)) WITH ORDINALITY AS each (reported, slot);

-- hours_of_categories --
-- The same of some categories, of the months of which some days are asked.
SELECT hour, sum(reported)::bigint AS reported
  FROM (SELECT hour, held[hour * 31 + last_day] - CASE WHEN first_day > 1 THEN held[hour * 31 + first_day - 1] ELSE 0 END AS reported
          FROM (SELECT hours || '{}' AS held, first_day, last_day
                  FROM unnest(CAST(:parts AS date[]), CAST(:first_days AS integer[]), CAST(:last_days AS integer[]))
                       AS part (month, first_day, last_day)
                  JOIN slots_category_month USING (month)
                 WHERE category_id = ANY (:categories) AND community_id = ANY (:communities) OFFSET 0) AS kept, generate_series(0, 23) AS hour
        UNION ALL
        SELECT hour, reported FROM statistics_delta
         WHERE community_id = ANY (:communities) AND category_id = ANY (:categories) AND day >= :first AND day < :after) AS told
 GROUP BY hour;

-- categories_of_hours --
-- Reported by category in some hours, of the months of which some days are asked.
SELECT category_id, sum(reported)::bigint AS reported
  FROM (SELECT category_id, {held[hour * 31 + last_day] - CASE WHEN first_day > 1 THEN held[hour * 31 + first_day - 1] ELSE 0 END} AS reported
          FROM (SELECT category_id, hours || '{}' AS held, first_day, last_day
                  FROM unnest(CAST(:parts AS date[]), CAST(:first_days AS integer[]), CAST(:last_days AS integer[]))
                       AS part (month, first_day, last_day)
                  JOIN slots_category_month USING (month)
                 WHERE community_id = ANY (:communities) OFFSET 0) AS kept
        UNION ALL
        SELECT category_id, reported FROM statistics_delta
         WHERE community_id = ANY (:communities) AND hour = ANY (:hours) AND day >= :first AND day < :after) AS told
 GROUP BY category_id;

-- communities_of_both --
-- Some categories in some hours of the day by community: whole months, and of each month of which some days are asked those days.
SELECT community_id, sum(reported)::bigint AS reported
  FROM (SELECT community_id, {hours[hour + 1]} AS reported FROM statistics_month
         WHERE community_id = ANY (:communities) AND category_id = ANY (:categories) AND month >= :months_from AND month < :months_to
        UNION ALL
        SELECT community_id, {held[hour * 31 + last_day] - CASE WHEN first_day > 1 THEN held[hour * 31 + first_day - 1] ELSE 0 END}
          FROM (SELECT community_id, hours || '{}' AS held, first_day, last_day
                  FROM unnest(CAST(:parts AS date[]), CAST(:first_days AS integer[]), CAST(:last_days AS integer[]))
                       AS part (month, first_day, last_day)
                  JOIN slots_category_month USING (month)
                 WHERE category_id = ANY (:categories) AND community_id = ANY (:communities) OFFSET 0) AS kept
        UNION ALL
        SELECT community_id, reported FROM statistics_delta
         WHERE community_id = ANY (:communities) AND category_id = ANY (:categories) AND hour = ANY (:hours) AND day >= :first AND day < :after) AS told
 GROUP BY community_id;

-- categories_of_ground --
-- The whole ground by category and hour, whole months and the days before and after them, folded or not yet; for those who see all of it.
SELECT category_id, ARRAY[
       sum(hours[1]), sum(hours[2]), sum(hours[3]), sum(hours[4]), sum(hours[5]), sum(hours[6]), sum(hours[7]), sum(hours[8]),
       sum(hours[9]), sum(hours[10]), sum(hours[11]), sum(hours[12]), sum(hours[13]), sum(hours[14]), sum(hours[15]), sum(hours[16]),
       sum(hours[17]), sum(hours[18]), sum(hours[19]), sum(hours[20]), sum(hours[21]), sum(hours[22]), sum(hours[23]), sum(hours[24])]::bigint[]
       AS hours
  FROM (SELECT category_id, slots[1:24] AS hours FROM slots_ground_month WHERE category_id > 0 AND month >= :months_from AND month < :months_to
        UNION ALL
        SELECT category_id, hours FROM statistics_ground_day WHERE day >= :first AND day < :months_from OR day >= :months_to AND day < :after
        UNION ALL
        SELECT category_id, ARRAY(SELECT CASE WHEN slot = hour THEN reported ELSE 0 END FROM generate_series(0, 23) AS slot)
          FROM statistics_delta
         WHERE day >= :first AND day < :after AND reported <> 0) AS told
 GROUP BY category_id;

-- communities_by_day --
-- Whole months and the days before and after them, folded or not yet.
SELECT community_id, sum(reported)::bigint AS reported
  FROM (SELECT community_id, reported FROM slots_community_month
         WHERE community_id = ANY (:communities) AND month >= :months_from AND month < :months_to
        UNION ALL
        SELECT community_id, reported FROM statistics_day
         WHERE community_id = ANY (:communities) AND day >= :first AND day < :months_from
        UNION ALL
        SELECT community_id, reported FROM statistics_day
         WHERE community_id = ANY (:communities) AND day >= :months_to AND day < :after
        UNION ALL
        SELECT community_id, reported FROM statistics_delta
         WHERE community_id = ANY (:communities) AND day >= :first AND day < :after) AS told
 GROUP BY community_id;

-- communities_by_hour --
-- The same of some hours of the day.
SELECT community_id, sum(reported)::bigint AS reported
  FROM (SELECT community_id, {held[hour + 1]} AS reported
          FROM (SELECT community_id, slots || '{}' AS held FROM slots_community_month
                 WHERE community_id = ANY (:communities) AND month >= :months_from AND month < :months_to OFFSET 0) AS kept
        UNION ALL
        SELECT community_id, {hours[hour + 1]} FROM statistics_hour
         WHERE community_id = ANY (:communities) AND (day >= :first AND day < :months_from OR day >= :months_to AND day < :after)
        UNION ALL
        SELECT community_id, reported FROM statistics_delta
         WHERE community_id = ANY (:communities) AND hour = ANY (:hours) AND day >= :first AND day < :after) AS told
 GROUP BY community_id;

-- communities_of_categories --
SELECT community_id, sum(reported) AS reported
  FROM (SELECT community_id, between_days(until, month, :first, :after) AS reported FROM statistics_month
         WHERE community_id = ANY (:communities) AND category_id = ANY (:categories)
           AND month >= date_trunc('month', CAST(:first AS date))::date AND month < :after
        UNION ALL
        SELECT community_id, reported FROM statistics_delta
         WHERE community_id = ANY (:communities) AND category_id = ANY (:categories) AND day >= :first AND day < :after) AS told
 GROUP BY community_id;

-- grids_by_day --
-- Days of any months by grid, folded or not yet.
SELECT grid_id, sum(reported)::bigint AS reported
  FROM (SELECT grid_id, between_days(until, month, :first, :after) AS reported FROM statistics_grid_month
         WHERE community_id = ANY (:communities) AND month >= date_trunc('month', CAST(:first AS date))::date AND month < :after
        UNION ALL
        SELECT grid_id, reported FROM statistics_delta
         WHERE community_id = ANY (:communities) AND day >= :first AND day < :after AND grid_id > 0) AS told
 GROUP BY grid_id;

-- grids_by_hour --
-- The same of some hours of the day: of whole months what is kept by year, and of each month of which some days are asked those days.
SELECT grid_id, sum(reported)::bigint AS reported
  FROM (SELECT grid_id, {held[hour * 12 + last_month]} - CASE WHEN first_month > 1 THEN {held[hour * 12 + first_month - 1]} ELSE 0 END AS reported
          FROM (SELECT grid_id, slots || '{}' AS held, first_month, last_month
                  FROM unnest(CAST(:years AS date[]), CAST(:first_months AS integer[]), CAST(:last_months AS integer[]))
                       AS part (year, first_month, last_month)
                  JOIN slots_grid_year USING (year)
                 WHERE community_id = ANY (:communities) OFFSET 0) AS kept
        UNION ALL
        SELECT grid_id, {held[hour * 31 + last_day]} - CASE WHEN first_day > 1 THEN {held[hour * 31 + first_day - 1]} ELSE 0 END
          FROM (SELECT grid_id, slots || '{}' AS held, first_day, last_day
                  FROM unnest(CAST(:parts AS date[]), CAST(:first_days AS integer[]), CAST(:last_days AS integer[]))
                       AS part (month, first_day, last_day)
                  JOIN slots_grid_hour USING (month)
                 WHERE community_id = ANY (:communities) OFFSET 0) AS kept
        UNION ALL
        SELECT grid_id, reported FROM statistics_delta
         WHERE community_id = ANY (:communities) AND hour = ANY (:hours) AND day >= :first AND day < :after AND grid_id > 0) AS told
 GROUP BY grid_id;

-- grids_of_categories --
-- Some categories by grid: of whole months what is kept by year, and of each month of which some days are asked those days.
SELECT grid_id, sum(reported)::bigint AS reported
  FROM (SELECT grid_id, held[n * 12 - 12 + last_month] - CASE WHEN first_month > 1 THEN held[n * 12 - 13 + first_month] ELSE 0 END AS reported
          FROM (SELECT grids, by_grid || '{}' AS held, first_month, last_month
                  FROM unnest(CAST(:years AS date[]), CAST(:first_months AS integer[]), CAST(:last_months AS integer[]))
                       AS part (year, first_month, last_month)
                  JOIN slots_category_year USING (year)
                 WHERE category_id = ANY (:categories) AND community_id = ANY (:communities) OFFSET 0) AS kept,
               unnest(grids) WITH ORDINALITY AS each (grid_id, n)
        UNION ALL
        SELECT grid_id, held[n * 31 - 31 + last_day] - CASE WHEN first_day > 1 THEN held[n * 31 - 32 + first_day] ELSE 0 END
          FROM (SELECT grids, by_grid || '{}' AS held, first_day, last_day
                  FROM unnest(CAST(:parts AS date[]), CAST(:first_days AS integer[]), CAST(:last_days AS integer[]))
                       AS part (month, first_day, last_day)
                  JOIN slots_category_month USING (month)
                 WHERE category_id = ANY (:categories) AND community_id = ANY (:communities) OFFSET 0) AS kept,
               unnest(grids) WITH ORDINALITY AS each (grid_id, n)
        UNION ALL
        SELECT grid_id, reported FROM statistics_delta
         WHERE community_id = ANY (:communities) AND category_id = ANY (:categories) AND day >= :first AND day < :after AND grid_id > 0) AS told
 GROUP BY grid_id;

-- grids_of_both --
-- Some categories in some hours by grid: of whole months what is kept by year, and of each month of which some days are asked those days.
SELECT grid_id, sum(reported)::bigint AS reported
  FROM (SELECT grid_id, {held[((n - 1) * 24 + hour) * 12 + last_month]}
                        - CASE WHEN first_month > 1 THEN {held[((n - 1) * 24 + hour) * 12 + first_month - 1]} ELSE 0 END AS reported
          FROM (SELECT grids, by_grid || '{}' AS held, first_month, last_month
                  FROM unnest(CAST(:years AS date[]), CAST(:first_months AS integer[]), CAST(:last_months AS integer[]))
                       AS part (year, first_month, last_month)
                  JOIN slots_crossed_year USING (year)
                 WHERE category_id = ANY (:categories) AND community_id = ANY (:communities) OFFSET 0) AS kept,
               unnest(grids) WITH ORDINALITY AS each (grid_id, n)
        UNION ALL
        SELECT grid_id, {held[((n - 1) * 24 + hour) * 31 + last_day]}
                        - CASE WHEN first_day > 1 THEN {held[((n - 1) * 24 + hour) * 31 + first_day - 1]} ELSE 0 END
          FROM (SELECT grids, by_grid || '{}' AS held, first_day, last_day
                  FROM unnest(CAST(:parts AS date[]), CAST(:first_days AS integer[]), CAST(:last_days AS integer[]))
                       AS part (month, first_day, last_day)
                  JOIN slots_crossed_month USING (month)
                 WHERE category_id = ANY (:categories) AND community_id = ANY (:communities) OFFSET 0) AS kept,
               unnest(grids) WITH ORDINALITY AS each (grid_id, n)
        UNION ALL
        SELECT grid_id, reported FROM statistics_delta
         WHERE community_id = ANY (:communities) AND category_id = ANY (:categories) AND hour = ANY (:hours) AND day >= :first AND day < :after
           AND grid_id > 0) AS told
 GROUP BY grid_id;

-- waiting_by_grid_kept --
SELECT id, sum(open)::integer AS open, sum(overdue)::integer AS overdue
  FROM (SELECT grid_id AS id, {held[(n - 1) * 100 + hour + 1]} AS open, {held[(n - 1) * 100 + hour + 26]} AS overdue
          FROM (SELECT grids, by_grid || '{}' AS held FROM slots_waiting_grid
                 WHERE category_id = ANY (:kinds) AND community_id = ANY (:communities) OFFSET 0) AS kept,
               unnest(grids) WITH ORDINALITY AS each (grid_id, n)
        UNION ALL
        SELECT grid_id, share.open, share.overdue
          FROM waiting_delta, LATERAL waiting_share(sign, is_open, reported_at, closed_at, due_at, (SELECT at FROM waiting_moment)) AS share
         WHERE community_id = ANY (:communities) AND grid_id > 0 AND (:every OR category_id = ANY (:categories))
           AND (:all_day OR hour_of(reported_at, :zone) = ANY (:hours))
        UNION ALL
        SELECT grid_id, 0, CASE WHEN due_at >= (SELECT at FROM waiting_moment) THEN 1 ELSE -1 END
          FROM incident
         WHERE is_open AND community_id = ANY (:communities) AND due_at >= least((SELECT at FROM waiting_moment), :now)
           AND due_at < greatest((SELECT at FROM waiting_moment), :now) AND grid_id IS NOT NULL
           AND (:every OR category_id = ANY (:categories)) AND (:all_day OR hour_of(reported_at, :zone) = ANY (:hours))) AS told
 GROUP BY id;

-- waiting_by_grid --
SELECT grid_id AS id, count(*) AS open, count(*) FILTER (WHERE due_at < :now) AS overdue
  FROM incident
 WHERE is_open AND community_id = ANY (:communities) AND (:every OR category_id = ANY (:categories)) AND grid_id IS NOT NULL
 GROUP BY grid_id;

-- homes --
-- Households of the current grids of the primary scheme.
SELECT grid.id, grid.households
  FROM grid JOIN scheme ON scheme.id = scheme_id AND is_primary
 WHERE valid_to IS NULL AND community_id = ANY (:communities)
 ORDER BY grid.code;

-- grids --
-- The same with their names.
SELECT grid.id, grid.code, grid.name, grid.name_en, grid.community_id, grid.households
  FROM grid JOIN scheme ON scheme.id = scheme_id AND is_primary
 WHERE valid_to IS NULL AND community_id = ANY (:communities)
 ORDER BY grid.code;

-- areas_above --
-- Each community asked for with its street, for rankings.
WITH lived AS MATERIALIZED (
    SELECT community_id, sum(households) AS households
      FROM grid JOIN scheme ON scheme.id = scheme_id AND is_primary
     WHERE valid_to IS NULL AND community_id = ANY (:communities)
     GROUP BY community_id
), reached AS MATERIALIZED (
    SELECT id, parent_id, code, name, name_en FROM area WHERE id = ANY (:communities)
)
SELECT reached.id AS community_id, reached.code, reached.name, reached.name_en,
       street.id AS street_id, street.code AS street_code, street.name AS street_name, street.name_en AS street_name_en,
       coalesce(lived.households, 0) AS households
  FROM reached
  LEFT JOIN area AS street ON street.id = reached.parent_id
  LEFT JOIN lived ON lived.community_id = reached.id;

-- community_of --
SELECT area.id, area.code FROM grid JOIN area ON area.id = community_id WHERE grid.id = :grid AND grid.valid_to IS NULL;

-- duty --
SELECT count(*) FILTER (WHERE on_duty) AS on_duty, count(*) AS officers
  FROM officer WHERE community_id = ANY (:communities) AND (ended_on IS NULL OR ended_on > CAST(:today AS date));

-- answering --
-- Who answers for each grid today, and how many grids and households that officer has in all.
SELECT assignment.grid_id, officer.id, officer.name,
       count(*) OVER (PARTITION BY officer.id) AS grids, sum(grid.households) OVER (PARTITION BY officer.id) AS households
  FROM assignment
  JOIN officer ON officer.id = officer_id
  JOIN grid ON grid.id = assignment.grid_id AND grid.valid_to IS NULL
 WHERE duty = 'main' AND valid @> CAST(:today AS date) AND assignment.community_id = ANY (:communities);

-- caring --
-- Households with somebody in care; row-level security leaves out the classes that the caller may not know of.
SELECT building.grid_id, count(DISTINCT household.id) AS households
  FROM care
  JOIN resident ON resident.cell = care.cell AND resident.id = care.resident_id
  JOIN household ON household.cell = resident.cell AND household.id = resident.household_id
  JOIN building ON building.cell = household.cell AND building.id = household.building_id
 WHERE care.community_id = ANY (:communities) AND since <= CAST(:today AS date) AND (until IS NULL OR until > CAST(:today AS date))
   AND building.grid_id IS NOT NULL
 GROUP BY building.grid_id;

-- served --
-- Points beyond the communities asked for serve too; it is kept as buildings and points change.
SELECT grid_id, sum(households)::bigint AS households, sum(near)::bigint AS near
  FROM service_reach WHERE community_id = ANY (:communities) GROUP BY grid_id;

-- reported_by_officers --
-- What officers themselves reported in a period, and what of it was filed.
SELECT count(*) AS reported, count(filed_at) AS filed
  FROM incident
 WHERE community_id = ANY (:communities) AND reported_at >= :starts AND reported_at < :ends AND source = 'officer'
   AND (:every OR category_id = ANY (:categories));

-- breaks --
SELECT breaks FROM fill_breaks WHERE made_on = :day AND question = :question;

-- keep_breaks --
INSERT INTO fill_breaks (made_on, question, breaks) VALUES (:day, :question, :breaks)
ON CONFLICT (made_on, question) DO UPDATE SET breaks = fill_breaks.breaks
RETURNING breaks;
