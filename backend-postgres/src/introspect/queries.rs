//! The queries on the catalog: one for each kind of thing, each row a JSON object.
//!
//! What a release does not have (`indnullsnotdistinct` before 15, `conenforced` before 18) is read through
//! `to_jsonb`, so one text serves all of them.

/// Wraps a query so that each row is one JSON object.
fn as_json(query: &str) -> String {
    format!("select pg_catalog.row_to_json(q)::pg_catalog.text from ({query}) q")
}

/// The condition that the namespace `n` is not the system's.
const USERS: &str = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'";

/// The name of the namespace `n`; null where unqualified names are made in it.
const SCHEMA: &str = "nullif(n.nspname, pg_catalog.current_schema()) as schema";

/// The condition that no extension brought an object.
fn own(class: &str, oid: &str) -> String {
    format!(
        "not exists (select from pg_catalog.pg_depend x where x.classid = 'pg_catalog.{class}'::pg_catalog.regclass \
         and x.objid = {oid} and x.deptype = 'e')"
    )
}

/// The condition that the relation `c` is a table of the user's.
fn own_table() -> String {
    format!("c.relkind in ('r', 'p') and {USERS} and {}", own("pg_class", "c.oid"))
}

/// The options of the sequence row `s`, all of them.
const SEQUENCE: &str = "s.seqstart as start, s.seqincrement as increment, s.seqmin as min, s.seqmax as max, \
     s.seqcache as cache, s.seqcycle as cycle, pg_catalog.format_type(s.seqtypid, null) as type";

pub(super) fn schemas() -> String {
    as_json(&format!(
        "select n.nspname as name from pg_catalog.pg_namespace n where {USERS} and n.nspname <> 'public' \
         and n.nspname is distinct from pg_catalog.current_schema() and {} order by n.oid",
        own("pg_namespace", "n.oid")
    ))
}

pub(super) fn extensions() -> String {
    as_json(
        "select e.extname as name, pg_catalog.format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I', e.extname, \
         n.nspname) as sql from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace \
         where e.extname <> 'plpgsql' order by e.oid",
    )
}

pub(super) fn enums() -> String {
    as_json(&format!(
        "select {SCHEMA}, t.typname as name, pg_catalog.obj_description(t.oid, 'pg_type') as comment, \
         coalesce((select pg_catalog.json_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum e \
         where e.enumtypid = t.oid), '[]') as values \
         from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace \
         where t.typtype = 'e' and {USERS} and {} order by t.oid",
        own("pg_type", "t.oid")
    ))
}

/// Domains, composite types and ranges, as the statements that make them.
pub(super) fn types() -> String {
    as_json(&format!(
        "select case t.typtype when 'd' then 'domain' else 'type' end as kind, \
         pg_catalog.format_type(t.oid, null) as name, {}, \
         case t.typtype when 'd' then pg_catalog.format('CREATE DOMAIN %s AS %s', pg_catalog.format_type(t.oid, null), \
           pg_catalog.format_type(t.typbasetype, t.typtypmod)) \
           || coalesce((select ' COLLATE ' || pg_catalog.quote_ident(l.collname) from pg_catalog.pg_collation l \
              join pg_catalog.pg_type b on b.oid = t.typbasetype \
              where l.oid = t.typcollation and t.typcollation <> b.typcollation), '') \
           || coalesce(' DEFAULT ' || t.typdefault, '') || case when t.typnotnull then ' NOT NULL' else '' end \
           || coalesce((select pg_catalog.string_agg(pg_catalog.format(' CONSTRAINT %I %s', o.conname, \
              pg_catalog.pg_get_constraintdef(o.oid)), '' order by o.conname) from pg_catalog.pg_constraint o \
              where o.contypid = t.oid and o.contype = 'c'), '') \
         when 'c' then pg_catalog.format('CREATE TYPE %s AS (%s)', pg_catalog.format_type(t.oid, null), \
           (select pg_catalog.string_agg(pg_catalog.format('%I %s', a.attname, \
              pg_catalog.format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum) \
            from pg_catalog.pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)) \
         when 'r' then (select pg_catalog.format('CREATE TYPE %s AS RANGE (subtype = %s)', \
              pg_catalog.format_type(t.oid, null), pg_catalog.format_type(r.rngsubtype, null)) \
            from pg_catalog.pg_range r join pg_catalog.pg_opclass oc on oc.oid = r.rngsubopc and oc.opcdefault \
            where r.rngtypid = t.oid and r.rngcanonical = 0 and r.rngsubdiff = 0) end as sql \
         from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace \
         left join pg_catalog.pg_class c on c.oid = t.typrelid \
         where {USERS} and {} and (t.typtype in ('d', 'r') or (t.typtype = 'c' and c.relkind = 'c')) order by t.oid",
        "null as table_schema, null as table_name",
        own("pg_type", "t.oid")
    ))
}

pub(super) fn sequences() -> String {
    as_json(&format!(
        "select {SCHEMA}, c.relname as name, {SEQUENCE}, c.relpersistence = 'u' as unlogged, \
         nullif(tn.nspname, pg_catalog.current_schema()) as owner_schema, t.relname as owner_table, \
         a.attname as owner_column \
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         join pg_catalog.pg_sequence s on s.seqrelid = c.oid \
         left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
           and d.objid = c.oid and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
           and d.refobjsubid > 0 and d.deptype in ('a', 'i') \
         left join pg_catalog.pg_class t on t.oid = d.refobjid \
         left join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace \
         left join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid \
         where c.relkind = 'S' and {USERS} and {} and d.deptype is distinct from 'i' order by c.oid",
        own("pg_class", "c.oid")
    ))
}

pub(super) fn tables() -> String {
    as_json(&format!(
        "select {SCHEMA}, c.relname as name, c.relpersistence = 'u' as unlogged, c.reloptions as options, \
         c.relrowsecurity as row_security, c.relforcerowsecurity as forced, \
         pg_catalog.obj_description(c.oid, 'pg_class') as comment, \
         case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end as partition_key, \
         case when c.relispartition then pg_catalog.pg_get_expr(c.relpartbound, c.oid) end as bound, \
         (select pg_catalog.json_agg(i.inhparent::pg_catalog.regclass::pg_catalog.text order by i.inhseqno) \
          from pg_catalog.pg_inherits i where i.inhrelid = c.oid) as parents, \
         case when c.reloftype <> 0 then pg_catalog.format_type(c.reloftype, null) end as of_type, \
         (select pg_catalog.quote_ident(m.amname) from pg_catalog.pg_am m \
          where m.oid = c.relam and m.amname <> 'heap') as method, \
         case when c.relreplident in ('f', 'n', 'i') then c.relreplident end as replica_identity \
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         where {} order by c.oid",
        own_table()
    ))
}

pub(super) fn columns() -> String {
    as_json(&format!(
        "select {SCHEMA}, c.relname as \"table\", a.attname as name, \
         pg_catalog.format_type(a.atttypid, a.atttypmod) as type, \
         nullif(en.nspname, pg_catalog.current_schema()) as enum_schema, e.typname as enum_name, \
         e.oid is distinct from t.oid as is_array, a.attnotnull as not_null, \
         pg_catalog.pg_get_expr(d.adbin, d.adrelid) as value, a.attgenerated as generated, a.attidentity as identity, \
         case when a.attcollation <> t.typcollation and a.attcollation <> 0 then \
           case when ln.nspname = 'pg_catalog' then '' else pg_catalog.quote_ident(ln.nspname) || '.' end \
           || pg_catalog.quote_ident(l.collname) end as collation, \
         pg_catalog.col_description(c.oid, a.attnum) as comment, {SEQUENCE_OF_COLUMN} \
         from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid \
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         join pg_catalog.pg_type t on t.oid = a.atttypid \
         left join pg_catalog.pg_type e on e.typtype = 'e' \
           and e.oid = case when t.typtype = 'e' then t.oid when t.typcategory = 'A' then t.typelem end \
         left join pg_catalog.pg_namespace en on en.oid = e.typnamespace \
         left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum \
         left join pg_catalog.pg_collation l on l.oid = a.attcollation \
         left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace \
         left join pg_catalog.pg_depend o on a.attidentity <> '' and o.deptype = 'i' \
           and o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
           and o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
           and o.refobjid = a.attrelid and o.refobjsubid = a.attnum \
         left join pg_catalog.pg_sequence s on s.seqrelid = o.objid \
         where a.attnum > 0 and not a.attisdropped and {} order by c.oid, a.attnum",
        own_table()
    ))
}

const SEQUENCE_OF_COLUMN: &str = "case when s.seqrelid is not null then pg_catalog.json_build_object(\
     'start', s.seqstart, 'increment', s.seqincrement, 'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache, \
     'cycle', s.seqcycle, 'type', pg_catalog.format_type(s.seqtypid, null)) end as sequence";

/// The names of the columns of `key`, in its order.
fn names(key: &str, relation: &str) -> String {
    format!(
        "(select pg_catalog.json_agg(a.attname order by k.ord) from pg_catalog.unnest({key}) with ordinality k(num, ord) \
         join pg_catalog.pg_attribute a on a.attrelid = {relation} and a.attnum = k.num)"
    )
}

/// Constraints of tables, but for those that a parent table gives and the NOT NULL ones of 18.
pub(super) fn constraints() -> String {
    as_json(&format!(
        "select {SCHEMA}, c.relname as \"table\", o.conname as name, o.contype as kind, {} as columns, \
         nullif(fn.nspname, pg_catalog.current_schema()) as parent_schema, f.relname as parent, {} as parent_columns, \
         o.confupdtype as on_update, o.confdeltype as on_delete, o.confmatchtype = 'f' as match_full, \
         o.condeferrable as deferrable, o.condeferred as deferred, o.convalidated as valid, o.connoinherit as no_inherit, \
         pg_catalog.pg_get_constraintdef(o.oid) as definition, pg_catalog.pg_get_expr(o.conbin, o.conrelid) as expr, \
         coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::pg_catalog.bool, false) as nulls_not_distinct, \
         coalesce(i.indnatts <> i.indnkeyatts or ic.reloptions is not null, false) \
           or coalesce((pg_catalog.to_jsonb(o) ->> 'conperiod')::pg_catalog.bool, false) \
           or not coalesce((pg_catalog.to_jsonb(o) ->> 'conenforced')::pg_catalog.bool, true) \
           or coalesce(pg_catalog.to_jsonb(o) -> 'confdelsetcols' not in ('null', '[]'), false) as special \
         from pg_catalog.pg_constraint o join pg_catalog.pg_class c on c.oid = o.conrelid \
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         left join pg_catalog.pg_class f on f.oid = o.confrelid \
         left join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace \
         left join pg_catalog.pg_index i on i.indexrelid = o.conindid and o.contype in ('p', 'u') \
         left join pg_catalog.pg_class ic on ic.oid = i.indexrelid \
         where o.contype in ('p', 'u', 'f', 'c', 'x') and o.conparentid = 0 and (o.conislocal or o.coninhcount = 0) \
         and {} order by o.oid",
        names("o.conkey", "o.conrelid"),
        names("o.confkey", "o.confrelid"),
        own_table()
    ))
}

/// Indexes that no constraint brings, of tables and of materialized views.
pub(super) fn indexes() -> String {
    as_json(&format!(
        "select {SCHEMA}, t.relname as \"table\", t.relkind = 'm' as of_view, c.relname as name, \
         i.indisunique as unique, i.indisvalid and i.indisready as valid, m.amname as method, \
         pg_catalog.pg_get_indexdef(i.indexrelid) as definition, \
         pg_catalog.pg_get_expr(i.indpred, i.indrelid) as predicate, c.reloptions as options, \
         i.indisclustered as clustered, \
         coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::pg_catalog.bool, false) as nulls_not_distinct, \
         (select pg_catalog.json_agg(a.attname order by p.at) from pg_catalog.generate_series(i.indnkeyatts::int4, \
           i.indnatts::int4 - 1) p(at) join pg_catalog.pg_attribute a on a.attrelid = i.indrelid \
           and a.attnum = i.indkey[p.at]) as include, \
         (select pg_catalog.json_agg(pg_catalog.json_build_object('column', a.attname, \
           'expr', case when i.indkey[p.at] = 0 then pg_catalog.pg_get_indexdef(i.indexrelid, p.at + 1, false) end, \
           'descending', (i.indoption[p.at] & 1) <> 0, 'nulls_first', (i.indoption[p.at] & 2) <> 0, \
           'collation', case when i.indcollation[p.at] <> 0 and i.indcollation[p.at] <> coalesce(a.attcollation, \
              kt.typcollation) then case when ln.nspname = 'pg_catalog' then '' \
              else pg_catalog.quote_ident(ln.nspname) || '.' end || pg_catalog.quote_ident(l.collname) end, \
           'opclass', case when not oc.opcdefault or k.attoptions is not null then \
              case when pg_catalog.pg_opclass_is_visible(oc.oid) then '' \
              else pg_catalog.quote_ident(ocn.nspname) || '.' end || pg_catalog.quote_ident(oc.opcname) \
              || coalesce('(' || pg_catalog.array_to_string(k.attoptions, ', ') || ')', '') end) order by p.at) \
          from pg_catalog.generate_series(0, i.indnkeyatts::int4 - 1) p(at) \
          join pg_catalog.pg_attribute k on k.attrelid = i.indexrelid and k.attnum = p.at + 1 \
          join pg_catalog.pg_type kt on kt.oid = k.atttypid \
          join pg_catalog.pg_opclass oc on oc.oid = i.indclass[p.at] \
          join pg_catalog.pg_namespace ocn on ocn.oid = oc.opcnamespace \
          left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[p.at] \
            and a.attnum > 0 \
          left join pg_catalog.pg_collation l on l.oid = i.indcollation[p.at] \
          left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace) as keys \
         from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid \
         join pg_catalog.pg_class t on t.oid = i.indrelid join pg_catalog.pg_namespace n on n.oid = t.relnamespace \
         join pg_catalog.pg_am m on m.oid = c.relam \
         where t.relkind in ('r', 'p', 'm') and {USERS} and {} and not c.relispartition \
         and not exists (select from pg_catalog.pg_constraint o where o.conindid = i.indexrelid \
           and o.contype in ('p', 'u', 'x')) order by c.oid",
        own("pg_class", "t.oid")
    ))
}

pub(super) fn views() -> String {
    as_json(&format!(
        "select {SCHEMA}, c.relname as name, c.relkind = 'm' as materialized, c.reloptions as options, \
         pg_catalog.pg_get_viewdef(c.oid) as query, pg_catalog.obj_description(c.oid, 'pg_class') as comment, \
         not c.relispopulated as empty \
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         where c.relkind in ('v', 'm') and {USERS} and {} order by c.oid",
        own("pg_class", "c.oid")
    ))
}

pub(super) fn routines() -> String {
    as_json(&format!(
        "select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end as kind, \
         p.oid::pg_catalog.regprocedure::pg_catalog.text as name, null as table_schema, null as table_name, \
         case p.prokind when 'a' then (select pg_catalog.format('CREATE AGGREGATE %s (SFUNC = %s, STYPE = %s%s%s%s%s)', \
             p.oid::pg_catalog.regprocedure, g.aggtransfn::pg_catalog.regproc, \
             pg_catalog.format_type(g.aggtranstype, null), \
             case when g.aggfinalfn <> 0 then ', FINALFUNC = ' || g.aggfinalfn::pg_catalog.regproc::pg_catalog.text \
               else '' end, \
             case when g.aggcombinefn <> 0 then ', COMBINEFUNC = ' \
               || g.aggcombinefn::pg_catalog.regproc::pg_catalog.text else '' end, \
             coalesce(', INITCOND = ' || pg_catalog.quote_literal(g.agginitval), ''), \
             case p.proparallel when 's' then ', PARALLEL = SAFE' when 'r' then ', PARALLEL = RESTRICTED' else '' end) \
           from pg_catalog.pg_aggregate g where g.aggfnoid = p.oid and g.aggkind = 'n' and g.aggmtransfn = 0 \
             and g.aggserialfn = 0 and g.aggsortop = 0 and not g.aggfinalextra) \
         else pg_catalog.pg_get_functiondef(p.oid) end as sql \
         from (select * from pg_catalog.pg_proc offset 0) p \
         join pg_catalog.pg_namespace n on n.oid = p.pronamespace where {USERS} and {} order by p.oid",
        own("pg_proc", "p.oid")
    ))
}

/// Triggers, rules, policies and extended statistics: what belongs to a table or view.
pub(super) fn attached() -> String {
    let of = "nullif(n.nspname, pg_catalog.current_schema()) as table_schema, c.relname as table_name";
    let join = "join pg_catalog.pg_class c on c.oid = {} join pg_catalog.pg_namespace n on n.oid = c.relnamespace";
    let on = |column: &str| join.replace("{}", column);
    let mine = own("pg_class", "c.oid");
    as_json(&format!(
        "select 1 as rank, 'trigger' as kind, t.tgname::text as name, {of}, pg_catalog.pg_get_triggerdef(t.oid) as sql, \
         case when t.tgenabled <> 'O' then 'is not enabled in the usual way' end as remark, t.oid \
         from pg_catalog.pg_trigger t {} where not t.tgisinternal and t.tgparentid = 0 and {USERS} and {mine} \
         union all \
         select 2, 'rule', r.rulename::text, {of}, pg_catalog.rtrim(pg_catalog.pg_get_ruledef(r.oid), ';'), \
         case when r.ev_enabled <> 'O' then 'is not enabled in the usual way' end, r.oid \
         from pg_catalog.pg_rewrite r {} where r.rulename <> '_RETURN' and {USERS} and {mine} \
         union all \
         select 3, 'policy', p.polname::text, {of}, pg_catalog.format('CREATE POLICY %I ON %s%s%s TO %s', p.polname, \
         c.oid::pg_catalog.regclass, case when p.polpermissive then '' else ' AS RESTRICTIVE' end, \
         case p.polcmd when 'r' then ' FOR SELECT' when 'a' then ' FOR INSERT' when 'w' then ' FOR UPDATE' \
           when 'd' then ' FOR DELETE' else '' end, \
         (select pg_catalog.string_agg(case when u.oid = 0 then 'PUBLIC' \
            else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(u.oid)) end, ', ') \
          from pg_catalog.unnest(p.polroles) u(oid))) \
         || coalesce(' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '') \
         || coalesce(' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''), null, p.oid \
         from pg_catalog.pg_policy p {} where {USERS} and {mine} \
         union all \
         select 4, 'statistics', s.stxname::text, {of}, pg_catalog.pg_get_statisticsobjdef(s.oid), null, s.oid \
         from pg_catalog.pg_statistic_ext s {} where {USERS} and {mine} \
         order by rank, oid",
        on("t.tgrelid"),
        on("r.ev_class"),
        on("p.polrelid"),
        on("s.stxrelid")
    ))
}

/// What the model has no place for, by name.
pub(super) fn others() -> String {
    let named = |what: &str, name: &str, from: &str, place: &str, class: &str, alias: &str| {
        format!(
            "select '{what} ' || {name} as name from pg_catalog.{from} {alias} \
             join pg_catalog.pg_namespace n on n.oid = {alias}.{place} where {USERS} and {}",
            own(class, &format!("{alias}.oid"))
        )
    };
    let in_schema = |column: &str| format!("pg_catalog.format('%I.%I', n.nspname, {column})");
    let parts = [
        format!(
            "{} and c.relkind = 'f'",
            named("foreign table", "c.oid::pg_catalog.regclass::text", "pg_class", "relnamespace", "pg_class", "c")
        ),
        format!(
            "{} and c.relacl is not null and c.relkind in ('r', 'p', 'v', 'm', 'S')",
            named("grants on", "c.oid::pg_catalog.regclass::text", "pg_class", "relnamespace", "pg_class", "c")
        ),
        format!(
            "{} and t.typtype = 'b' and t.typcategory <> 'A'",
            named("type", "pg_catalog.format_type(t.oid, null)", "pg_type", "typnamespace", "pg_type", "t")
        ),
        named("operator", "o.oid::pg_catalog.regoperator::text", "pg_operator", "oprnamespace", "pg_operator", "o"),
        named("operator class", &in_schema("o.opcname"), "pg_opclass", "opcnamespace", "pg_opclass", "o"),
        named("collation", &in_schema("l.collname"), "pg_collation", "collnamespace", "pg_collation", "l"),
        named("conversion", &in_schema("v.conname"), "pg_conversion", "connamespace", "pg_conversion", "v"),
        named(
            "text search configuration",
            &in_schema("s.cfgname"),
            "pg_ts_config",
            "cfgnamespace",
            "pg_ts_config",
            "s",
        ),
        named("text search dictionary", &in_schema("s.dictname"), "pg_ts_dict", "dictnamespace", "pg_ts_dict", "s"),
        "select 'event trigger ' || e.evtname from pg_catalog.pg_event_trigger e".to_owned(),
        "select 'publication ' || p.pubname from pg_catalog.pg_publication p".to_owned(),
        format!(
            "select 'foreign server ' || s.srvname from pg_catalog.pg_foreign_server s where {}",
            own("pg_foreign_server", "s.oid")
        ),
        "select 'comment on ' || pg_catalog.pg_describe_object(d.classoid, d.objoid, d.objsubid) \
             from pg_catalog.pg_description d where d.objoid >= 16384 and (d.classoid in (\
             'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_constraint'::pg_catalog.regclass, \
             'pg_catalog.pg_trigger'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass, \
             'pg_catalog.pg_namespace'::pg_catalog.regclass) or d.classoid = 'pg_catalog.pg_type'::pg_catalog.regclass \
             and exists (select from pg_catalog.pg_type t where t.oid = d.objoid and t.typtype <> 'e') \
             or d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and exists (select from pg_catalog.pg_class c \
             where c.oid = d.objoid and (c.relkind in ('i', 'I', 'S', 'c', 'f') \
             or c.relkind in ('v', 'm') and d.objsubid > 0))) and not exists (select from pg_catalog.pg_depend x \
             where x.classid = d.classoid and x.objid = d.objoid and x.deptype = 'e')"
            .to_owned(),
        format!(
            "select 'constraint ' || pg_catalog.quote_ident(o.conname) || ' of ' \
             || o.conrelid::pg_catalog.regclass::text || ' (not valid, or not enforced)' \
             from pg_catalog.pg_constraint o join pg_catalog.pg_namespace n on n.oid = o.connamespace \
             where o.contype = 'n' and not o.convalidated and {USERS}"
        ),
    ];
    as_json(&parts.join(" union all "))
}
