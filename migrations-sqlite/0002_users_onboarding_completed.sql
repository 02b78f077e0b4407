-- Whether the person has been through the tour of the first visit. Those who are here already are
-- shown it once more: nobody knows whether they have seen it.
ALTER TABLE users ADD COLUMN onboarding_completed integer NOT NULL DEFAULT 0 CHECK (onboarding_completed IN (0, 1));
