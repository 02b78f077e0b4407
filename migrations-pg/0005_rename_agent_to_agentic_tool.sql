-- whimbrel: lock-timeout 5s

-- Other agents than one are supported now, and "agent" means too much: the column says which tool runs
-- the session. Only the catalog changes.
ALTER TABLE sessions RENAME COLUMN agent TO agentic_tool;

ALTER INDEX sessions_agent_idx RENAME TO sessions_agentic_tool_idx;
ALTER INDEX sessions_agent_external_id_idx RENAME TO sessions_agentic_tool_external_id_idx;
