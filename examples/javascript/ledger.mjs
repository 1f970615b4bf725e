// A ledger: accounts are loaded by COPY, workers move money in transactions, the journal is streamed.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import QueryStream from 'pg-query-stream'

const [accounts, workers, transfers] = [100, 4, 50]
const openingBalance = 1000
const random = limit => Math.floor(Math.random() * limit)

// PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE are read by the driver.
const pool = new pg.Pool({ max: workers, application_name: 'ledger' })

/** Lends a connection of the pool to `body`. */
async function connected(body) {
  const client = await pool.connect()
  try {
    return await body(client)
  } finally {
    client.release()
  }
}

/** Runs body(client) in a transaction, again if it collided with another one. Returns how often it was run again. */
async function transaction(body, attempts = 100) {
  for (let retries = 0; retries < attempts; retries++) {
    try {
      await connected(async client => {
        await client.query('begin isolation level serializable')
        try {
          await body(client)
          await client.query('commit')
        } catch (error) {
          await client.query('rollback')
          throw error
        }
      })
      return retries
    } catch (error) {
      if (error.code !== '40001') throw error // 40001: another transaction was faster; nothing has happened
      await sleep(random(2 * Math.min(retries + 1, 10)))
    }
  }
  throw new Error(`gave up after ${attempts} attempts`)
}

async function create() {
  await pool.query('create table node_account (id int primary key, balance int not null check (balance >= 0))')
  await pool.query(`create table node_journal (id bigint generated always as identity primary key,
    payer int not null references node_account, payee int not null references node_account,
    amount int not null check (amount > 0), at timestamptz not null default now())`)
}

/** COPY FROM STDIN is a writable stream. */
async function load() {
  const rows = Array.from({ length: accounts }, (_, id) => `${id},${openingBalance}\n`)
  return connected(async client => {
    const copy = client.query(copyFrom('copy node_account (id, balance) from stdin (format csv)'))
    await pipeline(Readable.from(rows), copy)
    return copy.rowCount
  })
}

/** Reads, decides, writes: right only because the transaction sees one state and fails if that changed. */
async function transfer(client, payer, payee, amount) {
  const { rows } = await client.query('select balance from node_account where id = $1', [payer])
  if (rows[0].balance < amount) return
  await client.query('update node_account set balance = balance - $1 where id = $2', [amount, payer])
  await client.query('update node_account set balance = balance + $1 where id = $2', [amount, payee])
  await client.query('insert into node_journal (payer, payee, amount) values ($1, $2, $3)', [payer, payee, amount])
}

async function work() {
  let retries = 0
  for (let i = 0; i < transfers; i++) {
    const payer = random(accounts)
    const payee = (payer + 1 + random(accounts - 1)) % accounts
    const amount = 1 + random(50)
    retries += await transaction(client => transfer(client, payer, payee, amount))
  }
  return retries
}

/** Rows as they come, never more than a batch in memory. */
async function totalMoved() {
  return connected(async client => {
    let [rows, moved] = [0, 0]
    const query = new QueryStream('select amount from node_journal where amount >= $1 order by id', [1], { batchSize: 100 })
    for await (const row of client.query(query)) {
      rows++
      moved += row.amount
    }
    return [rows, moved]
  })
}

/** COPY TO STDOUT is a readable stream. */
async function totalBalance() {
  return connected(async client => {
    let text = ''
    for await (const chunk of client.query(copyTo('copy (select balance from node_account) to stdout'))) text += chunk
    return text.trimEnd().split('\n').reduce((sum, balance) => sum + Number(balance), 0)
  })
}

await create()
let total
try {
  console.log(`${await load()} accounts loaded`)
  const retries = await Promise.all(Array.from({ length: workers }, work))
  console.log(`${workers * transfers} transfers, ${retries.reduce((a, b) => a + b)} retries`)
  const [rows, moved] = await totalMoved()
  console.log(`${rows} journal rows read, ${moved} moved`)
  total = await totalBalance()
} finally {
  await pool.query('drop table node_journal, node_account')
  await pool.end()
}
const right = total === accounts * openingBalance
console.log(right ? 'the books balance' : `WRONG: ${total} in the books`)
process.exitCode = right ? 0 : 1
