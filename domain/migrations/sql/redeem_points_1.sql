-- One redemption in one round trip. The caller commits by running it outside a transaction.
--
-- The account is locked first and its lots are read in a later statement: in a single statement they would
-- be read with a snapshot from before the wait for the lock. Order of refusals: rest-v1, "which error wins".
-- `outcome`: 'ok', 'replay', a refusal's code, or an order to the caller: 'stale' (the configuration has
-- changed: read it and call again), 'due' (lots are due: write them off and call again), 'again' (the key
-- was taken on another account while this call ran: call again), 'twice' (an equal redemption in the window).
CREATE FUNCTION redeem_points(
    p_program bigint, p_config integer, p_reference text, p_currency text, p_points bigint,
    p_refusal text, p_refusal_binds boolean, p_key text, p_fingerprint bytea, p_guid uuid,
    p_type smallint, p_merchant text, p_amount numeric, p_source text, p_actor text,
    p_now timestamptz, p_window_s integer
) RETURNS TABLE (outcome text, entry_id bigint, member_id bigint, stored text, fingerprint bytea)
LANGUAGE plpgsql AS $$
DECLARE
    holder record;
    held record;
    keyed record;
    taken record;
    refusal text;
    binds boolean;
    need bigint := p_points;
    take bigint;
    next_one timestamptz := '9999-12-31 00:00:00+00';
    lot_ids bigint[] := '{}';
    takes bigint[] := '{}';
    expiries timestamptz[] := '{}';
    new_id bigint;
    new_hash bytea;
    traces text;
BEGIN
    SELECT m.id, a.id AS account_id, p.config_version INTO holder
      FROM program p
      LEFT JOIN member m ON m.program_id = p.id AND m.relation_reference = p_reference
      LEFT JOIN account a ON a.program_id = p.id AND a.member_id = m.id AND a.currency = p_currency
     WHERE p.id = p_program;
    IF holder.account_id IS NOT NULL THEN
        SELECT a.id, a.version, a.available, a.redeemed, a.next_expiry, a.head_hash, m.status INTO held
          FROM account a JOIN member m ON m.program_id = a.program_id AND m.id = a.member_id
         WHERE a.program_id = p_program AND a.id = holder.account_id
           FOR UPDATE OF a;
    END IF;
    IF p_key IS NOT NULL THEN
        SELECT i.outcome, i.fingerprint INTO keyed FROM idempotency i
         WHERE i.program_id = p_program AND i.use_case = 'redeem' AND i.key = p_key AND i.expires_at > p_now;
        IF FOUND THEN
            RETURN QUERY SELECT 'replay'::text, NULL::bigint, holder.id, keyed.outcome, keyed.fingerprint;
            RETURN;
        END IF;
    END IF;
    IF holder.account_id IS NULL THEN
        RETURN QUERY SELECT '103'::text, NULL::bigint, NULL::bigint, NULL::text, NULL::bytea;
        RETURN;
    END IF;
    -- The first statement may have waited for the lock; the status is read again with a fresh snapshot.
    SELECT m.status, p.config_version INTO taken FROM member m JOIN program p ON p.id = m.program_id
     WHERE m.program_id = p_program AND m.id = holder.id;
    IF taken.config_version <> p_config THEN
        RETURN QUERY SELECT 'stale'::text, NULL::bigint, NULL::bigint, NULL::text, NULL::bytea;
        RETURN;
    END IF;
    refusal := CASE taken.status WHEN 1 THEN NULL WHEN 2 THEN '114' WHEN 3 THEN '116' WHEN 4 THEN '113'
                                 WHEN 5 THEN '107' ELSE '115' END;
    binds := true;
    IF refusal IS NULL AND p_refusal IS NOT NULL THEN
        refusal := p_refusal;
        binds := p_refusal_binds;
    END IF;
    IF refusal IS NULL AND held.next_expiry <= p_now THEN
        RETURN QUERY SELECT 'due'::text, NULL::bigint, holder.id, NULL::text, NULL::bytea;
        RETURN;
    END IF;
    IF refusal IS NULL AND p_window_s > 0 AND p_key IS NULL AND EXISTS (
        SELECT 1 FROM ledger_entry e
         WHERE e.program_id = p_program AND e.account_id = held.id AND e.kind = 'redemption'
           AND e.seq > held.version - 100 AND e.processed_at > p_now - make_interval(secs => p_window_s)
           AND e.points = -p_points AND e.loyalty_txn_type = p_type
           AND e.merchant IS NOT DISTINCT FROM p_merchant AND e.amount IS NOT DISTINCT FROM p_amount
    ) THEN
        RETURN QUERY SELECT 'twice'::text, NULL::bigint, holder.id, NULL::text, NULL::bytea;
        RETURN;
    END IF;
    IF refusal IS NULL AND held.available < p_points THEN
        refusal := '121';
    END IF;
    IF refusal IS NULL THEN
        new_id := nextval('tessera_id');
    END IF;
    IF p_key IS NOT NULL AND (refusal IS NULL OR binds) THEN
        INSERT INTO idempotency AS i (program_id, use_case, key, fingerprint, outcome, created_at, expires_at)
        VALUES (p_program, 'redeem', p_key, p_fingerprint,
                CASE WHEN refusal IS NULL THEN '{"entry_id":' || new_id || '}'
                     ELSE '{"refusal":"' || refusal || '"}' END,
                p_now,
                CASE WHEN refusal IS NULL THEN '9999-12-31 00:00:00+00' ELSE p_now + interval '24 hours' END)
        ON CONFLICT ON CONSTRAINT pk_idempotency DO UPDATE
           SET fingerprint = excluded.fingerprint, outcome = excluded.outcome,
               created_at = excluded.created_at, expires_at = excluded.expires_at
         WHERE i.expires_at <= p_now;
        IF NOT FOUND THEN
            RETURN QUERY SELECT 'again'::text, NULL::bigint, NULL::bigint, NULL::text, NULL::bytea;
            RETURN;
        END IF;
    END IF;
    IF refusal IS NOT NULL THEN
        RETURN QUERY SELECT refusal, NULL::bigint, holder.id, NULL::text, NULL::bytea;
        RETURN;
    END IF;
    FOR taken IN
        SELECT l.id, l.remaining, l.expires_at FROM lot l
         WHERE l.program_id = p_program AND l.account_id = held.id AND l.is_open
         ORDER BY l.expires_at, l.earned_at, l.id
    LOOP
        next_one := taken.expires_at;
        EXIT WHEN need = 0;
        take := least(taken.remaining, need);
        UPDATE lot SET remaining = remaining - take, is_open = (remaining > take)
         WHERE program_id = p_program AND id = taken.id;
        lot_ids := lot_ids || taken.id;
        takes := takes || -take;
        expiries := expiries || taken.expires_at;
        need := need - take;
        EXIT WHEN take < taken.remaining;
        next_one := '9999-12-31 00:00:00+00';
    END LOOP;
    IF need <> 0 THEN
        RAISE EXCEPTION 'the lots of account % lack % points', held.id, need;
    END IF;
    SELECT string_agg(t.lot || ':' || t.points || ':' || (extract(epoch FROM t.expiry) * 1000000)::bigint, ','
                      ORDER BY t.lot)
      INTO traces FROM unnest(lot_ids, takes, expiries) AS t (lot, points, expiry);
    new_hash := sha256(held.head_hash || convert_to(array_to_string(ARRAY[
        p_program::text, new_id::text, held.id::text, (held.version + 1)::text, 'redemption', 'redeemed', 'redeem',
        (-p_points)::text, (held.available - p_points)::text, p_type::text, replace(p_guid::text, '-', ''),
        ((extract(epoch FROM p_now) * 1000000)::bigint)::text,
        ((extract(epoch FROM p_now) * 1000000)::bigint)::text, '',
        coalesce(p_merchant, ''), coalesce(p_amount::text, ''), '', '', p_config::text, p_source, p_actor, '', '',
        traces], E'\x1f'), 'UTF8'));
    INSERT INTO ledger_entry (program_id, id, account_id, seq, kind, contra, bucket, points, balance_after,
                              loyalty_txn_type, external_reference, transaction_date, processed_at, merchant,
                              amount, config_version, source, actor, hash)
    VALUES (p_program, new_id, held.id, held.version + 1, 'redemption', 'redeemed', 'redeem', -p_points,
            held.available - p_points, p_type, p_guid, p_now, p_now, p_merchant, p_amount, p_config, p_source,
            p_actor, new_hash);
    INSERT INTO lot_trace (program_id, entry_id, lot_id, points, expires_at)
    SELECT p_program, new_id, t.* FROM unnest(lot_ids, takes, expiries) AS t;
    UPDATE account SET version = version + 1, available = available - p_points, redeemed = redeemed + p_points,
                       next_expiry = next_one, head_hash = new_hash
     WHERE program_id = p_program AND id = held.id;
    INSERT INTO outbox (program_id, id, topic, member_id, payload, created_at)
    VALUES (p_program, nextval('tessera_id'), 'points.redeemed', holder.id,
            '{"entry_id":' || new_id || ',"points":' || -p_points || '}', p_now);
    RETURN QUERY SELECT 'ok'::text, new_id, holder.id, NULL::text, NULL::bytea;
END
$$;
