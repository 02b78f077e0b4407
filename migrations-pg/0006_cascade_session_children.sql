-- whimbrel: lock-timeout 5s

-- Tasks, messages and tool connections go with their session. Until now a session that had any could
-- not be deleted.
-- Each foreign key is replaced in one command, so no moment is without it.
ALTER TABLE tasks
    DROP CONSTRAINT tasks_session_id_fkey,
    ADD CONSTRAINT tasks_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE;

ALTER TABLE messages
    DROP CONSTRAINT messages_session_id_fkey,
    ADD CONSTRAINT messages_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE;

ALTER TABLE session_mcp_servers
    DROP CONSTRAINT session_mcp_servers_session_id_fkey,
    ADD CONSTRAINT session_mcp_servers_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE;
