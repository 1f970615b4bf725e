// postgres.js: pipelined by default, describes parameters first, cursors, COPY streams, transactions, errors, cancel.
import assert from 'node:assert/strict'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import postgres from 'postgres'

const sql = postgres({ max: 4, onnotice: () => {} })
await sql`drop table if exists pj_t`
await sql`create table pj_t (id serial primary key, b boolean, i int, big bigint, f float8, n numeric, s text, bin bytea,
  d timestamptz, j jsonb, a int[], ta text[])`

const when = new Date('2024-02-29T01:02:03.000Z')
const [row] = await sql`insert into pj_t ${sql({ b: true, i: 5, big: '123456789012', f: 0.25, n: '1.10', s: 'täxt', bin: Buffer.from([1, 2]), d: when, j: sql.json({ k: 1 }), a: [1, 2], ta: ['x', 'y z'] })} returning *`
assert.deepEqual([row.id, row.b, row.i, row.big, row.f, row.n, row.s], [1, true, 5, '123456789012', 0.25, '1.10', 'täxt'])
assert.equal(row.d.getTime(), when.getTime())
assert.deepEqual([row.j, row.a, row.ta], [{ k: 1 }, [1, 2], ['x', 'y z']])
await sql`insert into pj_t ${sql([{ i: 10, s: 'a' }, { i: 11, s: 'b' }, { i: 12, s: null }])}`
assert.equal((await sql`select i from pj_t where i in ${sql([10, 11])}`).count, 2)
assert.deepEqual((await sql`select i from pj_t where i = any(${[11, 12]}) order by i`).map(r => r.i), [11, 12])

const described = await sql`select id, s from pj_t where i > ${1}`.describe()
assert.deepEqual(described.types, [23])
assert.deepEqual(described.columns.map(c => [c.name, c.type]), [['id', 23], ['s', 25]])
assert.deepEqual((await sql.unsafe('select 1 as a; select 2 as b')).map(r => r[0]), [{ a: 1 }, { b: 2 }])
assert.deepEqual([...await sql`select ${'x'}::text as t, ${null}::int as n`.values()], [['x', null]])

// Transactions.
await assert.rejects(sql.begin(async tx => {
  await tx`insert into pj_t (i) values (100)`
  await tx.savepoint(async sp => { await sp`select 1/0` }).catch(e => assert.equal(e.code, '22012'))
  assert.equal((await tx`select count(*)::int as n from pj_t where i = 100`)[0].n, 1)
  throw new Error('undo')
}), /undo/)
assert.equal((await sql`select count(*)::int as n from pj_t where i = 100`)[0].n, 0)
const results = await sql.begin(tx => [tx`insert into pj_t (i) values (200)`, tx`select count(*)::int as n from pj_t where i = 200`])
assert.equal(results[1][0].n, 1)

// Errors.
await assert.rejects(sql`insert into pj_t (id) values (1)`, e => e.code === '23505' && e.constraint_name === 'pj_t_pkey' && e.table_name === 'pj_t')
for (const [text, code] of [['selec', '42601'], ['select nope from pj_t', '42703'], ['select * from nope', '42P01'], ["select 'x'::int", '22P02']]) {
  await assert.rejects(sql.unsafe(text), e => e.code === code)
}

// Cursors, forEach, many at once.
let total = 0
for await (const rows of sql`select i from generate_series(1, 1000) as g(i)`.cursor(100)) {
  assert.equal(rows.length, 100)
  for (const r of rows) total += r.i
}
assert.equal(total, 500500)
total = 0
await sql`select i from generate_series(1, 5000) as g(i)`.forEach(r => { total += r.i })
assert.equal(total, 12502500)
const many = await Promise.all(Array.from({ length: 200 }, (_, i) => sql`select ${i}::int as n`))
assert.deepEqual(many.map(r => r[0].n), Array.from({ length: 200 }, (_, i) => i))

// COPY streams.
await pipeline(Readable.from(['300\ta\n', '301\t', 'b\n']), await sql`copy pj_t (i, s) from stdin`.writable())
let copied = ''
for await (const chunk of await sql`copy (select i, s from pj_t where i >= 300 order by i) to stdout`.readable()) copied += chunk
assert.equal(copied, '300\ta\n301\tb\n')

// Cancel.
const sleeping = sql`select pg_sleep(30)`
setTimeout(() => sleeping.cancel(), 300)
await assert.rejects(sleeping, e => e.code === '57014')
assert.equal((await sql`select 1 as n`)[0].n, 1)
await sql`drop table pj_t`
await sql.end()
console.log('PASS')
