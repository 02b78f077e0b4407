-- Other agents than one are supported now, and "agent" means too much: the column says which tool runs
-- the session. Indexes cannot be renamed in SQLite, so they are made again under the new name.
ALTER TABLE sessions RENAME COLUMN agent TO agentic_tool;

DROP INDEX sessions_agent_idx;
DROP INDEX sessions_agent_external_id_idx;
CREATE INDEX sessions_agentic_tool_idx ON sessions (agentic_tool);
CREATE UNIQUE INDEX sessions_agentic_tool_external_id_idx ON sessions (agentic_tool, external_id) WHERE external_id IS NOT NULL;
