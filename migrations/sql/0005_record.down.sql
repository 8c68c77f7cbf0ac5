DROP TABLE hotspot, hotspot_run, idempotency, import_batch, outbox, audit, base_feature, deployment;
DROP SEQUENCE hotspot_run_id_seq, import_batch_id_seq, outbox_id_seq, audit_id_seq, base_feature_id_seq;
