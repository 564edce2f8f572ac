-- `IF NOT EXISTS` by hand: on a large journal the operator may have built it beforehand, CONCURRENTLY, without stopping the drain.
CREATE INDEX IF NOT EXISTS "entries_life" ON "tollgate"."entries" USING btree ("account_id","lineage","n");
