-- whimbrel: lock-timeout 5s

-- Whether the person has been through the tour of the first visit. Those who are here already are
-- shown it once more: nobody knows whether they have seen it. A constant default rewrites no row.
ALTER TABLE users ADD COLUMN onboarding_completed boolean NOT NULL DEFAULT false;
