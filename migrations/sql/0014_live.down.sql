DROP INDEX incident_officer;
ALTER TABLE incident_log DROP COLUMN undo_until, DROP COLUMN before;
DROP FUNCTION gate.changes_after(bigint, integer), gate.stream_ends(), gate.relay(integer);
GRANT UPDATE, DELETE ON outbox TO wangge_app;
DROP INDEX outbox_untold;
ALTER TABLE outbox DROP COLUMN number;
DROP SEQUENCE outbox_number_seq;
CREATE INDEX outbox_layer ON outbox (layer, id);
