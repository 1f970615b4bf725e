// node-postgres with pg-cursor and pg-query-stream: types, prepared statements, transactions, errors, streaming, cancel.
import assert from 'node:assert/strict'
import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'

const client = new pg.Client()
await client.connect()
await client.query('drop table if exists np_t')
await client.query(`create table np_t (id serial primary key, b boolean, i int, big bigint, f float8, n numeric(10,2), s text,
  bin bytea, u uuid, d date, tz timestamptz, j jsonb, a text[], ia int[])`)

// Types.
const when = new Date('2024-02-29T01:02:03.456Z')
const values = [true, 42, '9007199254740993', 1.5, '12.30', "it's", Buffer.from([0, 255]), 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  '2024-02-29', when, { a: [1, null, 'x'] }, ['p', 'q,r'], [1, 2]]
const inserted = await client.query(
  `insert into np_t (b, i, big, f, n, s, bin, u, d, tz, j, a, ia)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning *`, values)
assert.equal(inserted.command, 'INSERT')
assert.equal(inserted.rowCount, 1)
const row = inserted.rows[0]
assert.equal(row.id, 1)
assert.equal(row.b, true)
assert.equal(row.big, '9007199254740993')
assert.equal(row.f, 1.5)
assert.equal(row.n, '12.30')
assert.equal(row.s, "it's")
assert.deepEqual(row.bin, values[6])
assert.equal(row.u, values[7])
assert.equal(row.tz.getTime(), when.getTime())
assert.deepEqual(row.j, values[10])
assert.deepEqual(row.a, values[11])
assert.deepEqual(row.ia, [1, 2])
assert.deepEqual(inserted.fields.map(f => f.dataTypeID).slice(0, 5), [23, 16, 23, 20, 701])

// Named prepared statements, row mode array, null.
for (let i = 0; i < 3; i++) {
  const result = await client.query({ name: 'plus', text: 'select $1::int + 1 as n, $2::text as t', values: [i, null], rowMode: 'array' })
  assert.deepEqual(result.rows, [[i + 1, null]])
}
const multi = await client.query('select 1 as a; select 2 as b')
assert.deepEqual(multi.map(r => r.rows[0]), [{ a: 1 }, { b: 2 }])
assert.deepEqual((await client.query('select * from np_t where id = any($1)', [[1, 2]])).rowCount, 1)

// Transactions and errors.
await client.query('begin')
await client.query('insert into np_t (i) values (100)')
await assert.rejects(client.query('insert into np_t (id) values (1)'), e => e.code === '23505' && e.constraint === 'np_t_pkey' && e.table === 'np_t' && e.schema === 'public')
await assert.rejects(client.query('select 1'), e => e.code === '25P02')
await client.query('rollback')
assert.equal((await client.query('select count(*)::int as n from np_t')).rows[0].n, 1)
for (const [sql, code] of [['selec', '42601'], ['select x from np_t', '42703'], ['select 1/0', '22012'], ["select 'x'::int", '22P02'], ['select * from nope', '42P01']]) {
  await assert.rejects(client.query(sql), e => e.code === code)
  await assert.rejects(client.query({ text: sql, values: [] , name: sql}), e => e.code === code)
}
await assert.rejects(client.query('select $1::int', ['x']), e => e.code === '22P02')
const syntax = await client.query('select 1 +').catch(e => e)
assert.equal(syntax.position, '11')

// Cursor: portals with a row limit.
const cursor = client.query(new Cursor('select i from generate_series(1, $1::int) as g(i)', [250]))
assert.equal((await cursor.read(100)).length, 100)
assert.equal((await cursor.read(100)).length, 100)
assert.equal((await cursor.read(100)).length, 50)
assert.equal((await cursor.read(100)).length, 0)
await cursor.close()
const early = client.query(new Cursor('select i from generate_series(1, 1000) as g(i)'))
assert.equal((await early.read(10)).length, 10)
await early.close()
assert.equal((await client.query('select 7 as n')).rows[0].n, 7)

// Stream.
let sum = 0
for await (const r of client.query(new QueryStream('select i from generate_series(1, 20000) as g(i)', [], { batchSize: 500 }))) sum += r.i
assert.equal(sum, 200010000)

// A pool under concurrency; statement_timeout from the configuration; cancel.
const pool = new pg.Pool({ max: 8 })
await pool.query('update np_t set i = 0 where id = 1')
await Promise.all(Array.from({ length: 100 }, () => pool.query('update np_t set i = i + 1 where id = 1')))
assert.equal((await pool.query('select i from np_t where id = 1')).rows[0].i, 100)
await pool.end()
const hasty = new pg.Client({ statement_timeout: 200, application_name: 'hasty' })
await hasty.connect()
await assert.rejects(hasty.query('select pg_sleep(30)'), e => e.code === '57014')
assert.equal((await hasty.query('show application_name')).rows[0].application_name, 'hasty')
await hasty.end()
const victim = new pg.Client()
await victim.connect()
const sleeping = victim.query('select pg_sleep(30)')
await new Promise(resolve => setTimeout(resolve, 300))
new pg.Client().cancel(victim, victim.activeQuery ?? victim._activeQuery)
await assert.rejects(sleeping, e => e.code === '57014')
await victim.end()

// Notifications, the own ones and those of others.
const heard = []
const both = new Promise(resolve => client.on('notification', n => { heard.push([n.channel, n.payload]); if (heard.length === 2) resolve() }))
await client.query('listen news')
await client.query("notify news, 'own'")
const other = new pg.Client()
await other.connect()
await other.query('select pg_notify($1, $2)', ['news', 'of another'])
await other.end()
await both
assert.deepEqual(heard, [['news', 'own'], ['news', 'of another']])
await client.query('unlisten *')

// Notices.
const notices = []
client.on('notice', n => notices.push(n.message))
await client.query('drop table if exists np_none')
assert.deepEqual(notices, ['table "np_none" does not exist, skipping'])
await client.query('drop table np_t')
await client.end()
console.log('PASS')
