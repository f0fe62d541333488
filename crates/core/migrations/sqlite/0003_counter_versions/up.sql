-- Grows with every step: of two looks at the same counters, the newer one is known without asking which came first.
ALTER TABLE counters ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
