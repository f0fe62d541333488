-- 0 the stream of a live, 1 a link-mic stream, which is pushed into the live of another host.
ALTER TABLE stream_codes ADD COLUMN purpose SMALLINT NOT NULL DEFAULT 0;
-- NULL: the code is kept as long as its account.
ALTER TABLE stream_codes ADD COLUMN kept_until BIGINT;
CREATE INDEX stream_codes_kept_until ON stream_codes (kept_until) WHERE kept_until IS NOT NULL;

-- Codes of lives whose push URLs were revoked: a push URL issued at or before valid_from is refused. A row outlives its
-- account, and is deleted when no such URL can be valid any more.
CREATE TABLE revoked_codes (
    code       TEXT PRIMARY KEY,
    account_id BIGINT NOT NULL,            -- the account that lost its push URLs
    valid_from BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX revoked_codes_account ON revoked_codes (account_id);
CREATE INDEX revoked_codes_valid_from ON revoked_codes (valid_from);
