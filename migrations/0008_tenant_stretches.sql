-- How many bytes of a tenant's results lie in the journal between two ids, for tenants with a share of the
-- backlog as a quota. Stretches that every sink has passed are taken out when the tenant sends again.
CREATE TABLE tenant_stretches (
  tenant_id TEXT NOT NULL,
  first_id INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, first_id)
);
