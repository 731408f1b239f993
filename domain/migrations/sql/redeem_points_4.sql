-- One redemption in one round trip. The caller commits by running it outside a transaction.
--
-- The account is locked first, and what else decides is read in later statements: read in the same one, it
-- would come from a snapshot from before the wait for the lock. Order of refusals: rest-v1, "which error
-- wins". A key that is bound already comes before all of them; it shows when the key is to be bound again.
-- `outcome`: 'ok', 'replay', a refusal's code, or an order to the caller: 'stale' (the configuration has
-- changed: read it and call again), 'due' (a lot or a hold is due: see to it and call again), 'again' (the key
-- was given free while this call ran, or the members were merged: call again), 'twice' (an equal redemption in the window).
-- Plans live as long as a connection, and one that was made for an empty table would go on reading all of
-- it when it is full: hence no sequential scans.
CREATE FUNCTION redeem_points(
    p_program bigint, p_config integer, p_reference text, p_currency text, p_points bigint,
    p_refusal text, p_refusal_binds boolean, p_key text, p_fingerprint bytea, p_guid uuid,
    p_type smallint, p_merchant text, p_amount numeric, p_source text, p_actor text,
    p_now timestamptz, p_window_s integer, p_day_start timestamptz, p_most_a_day integer,
    OUT outcome text, OUT entry_id bigint, OUT member_id bigint, OUT stored text, OUT fingerprint bytea
) LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    never CONSTANT timestamptz := '9999-12-31 00:00:00+00';
    now_micros CONSTANT text := (extract(epoch FROM p_now) * 1000000)::bigint;
    held record;
    fresh record;
    one record;
    binds boolean := true;
    is_bound boolean := false;
    new_id bigint;
    new_hash bytea;
    need bigint := p_points;
    take bigint;
    next_one timestamptz := never;
    lot_ids bigint[] := '{}';
    takes bigint[] := '{}';
    expiries timestamptz[] := '{}';
    traces text;
BEGIN
    SELECT a.id, a.member_id, a.version, a.available, a.available + a.pending AS balance, a.next_expiry,
           a.next_release, a.head_hash
      INTO held
      FROM account a
     WHERE a.program_id = p_program AND a.currency = p_currency AND a.member_id = (
               SELECT coalesce(m.merged_into, m.id) FROM member m
                WHERE m.program_id = p_program AND m.relation_reference = p_reference)
       FOR UPDATE;
    member_id := held.member_id;
    -- Whoever answers for the reference by now: a merge may have ended while we waited for the lock.
    SELECT m.id, m.status, p.config_version INTO fresh
      FROM member n
      JOIN member m ON m.program_id = n.program_id AND m.id = coalesce(n.merged_into, n.id)
      JOIN program p ON p.id = n.program_id
     WHERE n.program_id = p_program AND n.relation_reference = p_reference;
    IF held.id IS NULL THEN
        outcome := '103';
        binds := false;
    ELSIF fresh.id <> held.member_id THEN
        outcome := 'again';
        binds := false;
    ELSIF fresh.config_version <> p_config THEN
        outcome := 'stale';
        binds := false;
    ELSIF fresh.status <> 1 THEN
        outcome := CASE fresh.status WHEN 2 THEN '114' WHEN 3 THEN '116' WHEN 4 THEN '113' WHEN 5 THEN '107'
                                     ELSE '115' END;
    ELSIF p_refusal IS NOT NULL THEN
        outcome := p_refusal;
        binds := p_refusal_binds;
    ELSIF held.next_expiry <= p_now OR held.next_release <= p_now THEN
        outcome := 'due';
        binds := false;
    ELSIF p_window_s > 0 AND p_key IS NULL AND EXISTS (
        SELECT 1 FROM ledger_entry e
         WHERE e.program_id = p_program AND e.account_id = held.id AND e.kind = 'redemption'
           AND e.seq > held.version - 100 AND e.processed_at > p_now - make_interval(secs => p_window_s)
           AND e.points = -p_points AND e.loyalty_txn_type = p_type
           AND e.merchant IS NOT DISTINCT FROM p_merchant AND e.amount IS NOT DISTINCT FROM p_amount
    ) THEN
        outcome := 'twice';
        binds := false;
    -- Whoever has no such threshold asks nothing here.
    ELSIF p_most_a_day IS NOT NULL AND p_most_a_day <= (
        SELECT count(*) FROM ledger_entry e
         WHERE e.program_id = p_program AND e.account_id = held.id AND e.kind = 'redemption'
           AND e.transaction_date >= p_day_start
    ) THEN
        outcome := '129';
    ELSIF held.available < p_points THEN
        outcome := '121';
    ELSE
        outcome := 'ok';
        new_id := nextval('tessera_id');
    END IF;
    IF p_key IS NOT NULL AND binds THEN
        INSERT INTO idempotency AS i (program_id, use_case, key, fingerprint, outcome, created_at, expires_at)
        VALUES (p_program, 'redeem', p_key, p_fingerprint,
                CASE WHEN outcome = 'ok' THEN '{"entry_id":' || new_id || '}'
                     ELSE '{"refusal":"' || outcome || '"}' END,
                p_now, CASE WHEN outcome = 'ok' THEN never ELSE p_now + interval '24 hours' END)
        ON CONFLICT ON CONSTRAINT pk_idempotency DO UPDATE
           SET fingerprint = excluded.fingerprint, outcome = excluded.outcome,
               created_at = excluded.created_at, expires_at = excluded.expires_at
         WHERE i.expires_at <= p_now;
        is_bound := FOUND;
    END IF;
    IF p_key IS NOT NULL AND NOT is_bound THEN
        SELECT i.outcome, i.fingerprint INTO stored, fingerprint FROM idempotency i
         WHERE i.program_id = p_program AND i.use_case = 'redeem' AND i.key = p_key AND i.expires_at > p_now;
        IF FOUND THEN
            outcome := 'replay';
        ELSIF binds THEN
            outcome := 'again';
        END IF;
    END IF;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;

    FOR one IN
        SELECT l.id, l.remaining, l.expires_at, l.available_at FROM lot l
         WHERE l.program_id = p_program AND l.account_id = held.id AND l.is_open
         ORDER BY l.expires_at, l.earned_at, l.id
    LOOP
        -- Pending points are passed over, but they too may be the next to expire.
        IF need = 0 OR one.available_at >= held.next_release THEN
            next_one := least(next_one, one.expires_at);
            EXIT WHEN need = 0;
            CONTINUE;
        END IF;
        take := least(one.remaining, need);
        UPDATE lot SET remaining = remaining - take, is_open = (remaining > take)
         WHERE program_id = p_program AND id = one.id;
        lot_ids := lot_ids || one.id;
        takes := takes || -take;
        expiries := expiries || one.expires_at;
        need := need - take;
        IF take < one.remaining THEN
            next_one := least(next_one, one.expires_at);
            EXIT;
        END IF;
    END LOOP;
    IF need <> 0 THEN
        RAISE EXCEPTION 'the lots of account % lack % points', held.id, need;
    END IF;

    SELECT string_agg(t.lot || ':' || t.points || ':' || (extract(epoch FROM t.expiry) * 1000000)::bigint, ','
                      ORDER BY t.lot)
      INTO traces FROM unnest(lot_ids, takes, expiries) AS t (lot, points, expiry);
    new_hash := sha256(held.head_hash || convert_to(concat_ws(E'\x1f',
        p_program, new_id, held.id, held.version + 1, 'redemption', 'redeemed', 'redeem', -p_points,
        held.balance - p_points, p_type, replace(p_guid::text, '-', ''), now_micros, now_micros, '',
        coalesce(p_merchant, ''), coalesce(p_amount::text, ''), '', '', p_config, p_source, p_actor, '', '',
        traces), 'UTF8'));
    INSERT INTO ledger_entry (program_id, id, account_id, seq, kind, contra, bucket, points, balance_after,
                              loyalty_txn_type, external_reference, transaction_date, processed_at, merchant,
                              amount, config_version, source, actor, hash)
    VALUES (p_program, new_id, held.id, held.version + 1, 'redemption', 'redeemed', 'redeem', -p_points,
            held.balance - p_points, p_type, p_guid, p_now, p_now, p_merchant, p_amount, p_config, p_source,
            p_actor, new_hash);
    INSERT INTO lot_trace (program_id, entry_id, lot_id, points, expires_at)
    SELECT p_program, new_id, t.* FROM unnest(lot_ids, takes, expiries) AS t;
    UPDATE account SET version = version + 1, available = available - p_points, redeemed = redeemed + p_points,
                       next_expiry = next_one, head_hash = new_hash
     WHERE program_id = p_program AND id = held.id;
    INSERT INTO outbox (program_id, id, topic, member_id, payload, created_at)
    VALUES (p_program, nextval('tessera_id'), 'points.redeemed', held.member_id,
            '{"entry_id":' || new_id || ',"points":' || -p_points || '}', p_now);
    entry_id := new_id;
END
$$;
