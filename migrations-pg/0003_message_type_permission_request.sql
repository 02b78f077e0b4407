-- whimbrel: lock-timeout 5s

-- Messages can ask for a permission: a type more in the checked set. Both actions in one command read
-- the table once. (NOT VALID would gain nothing here: the lock of DROP CONSTRAINT is held until the
-- commit either way.)
ALTER TABLE messages
    DROP CONSTRAINT messages_type_check,
    ADD CONSTRAINT messages_type_check CHECK (type IN ('user', 'assistant', 'system', 'tool_result', 'file_snapshot', 'permission_request'));
