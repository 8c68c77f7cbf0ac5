DROP FUNCTION gate.planner_name(bigint, bigint);
DROP FUNCTION gate.plan_neighbours(bigint, geometry);
DELETE FROM role_permission WHERE permission IN ('plans', 'plans.write', 'plans.review');
DROP TABLE atom, atom_ground, plan_proposal, plan_comment, plan_snapshot, plan_lock, plan_op_area, plan_op_grid, plan_op, plan_area, plan_grid, plan;
DROP FUNCTION log_is_for_good();
DROP SEQUENCE plan_id_seq, plan_comment_id_seq, plan_proposal_id_seq, atom_id_seq;
