// What an application does with ClickHouse's official JavaScript client, against the embedded engine.
// Arguments: the directory that the client is installed in, the engine's URL. Exits with 1 at the first surprise.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const [directory, url] = process.argv.slice(2)
const { createClient } = createRequire(`${directory}/`)('@clickhouse/client')

const steps = {
  async ping(client) {
    assert.deepEqual(await client.ping(), { success: true })
    assert.equal((await client.ping({ select: true })).success, true)
  },

  async command(client) {
    await client.command({ query: 'CREATE DATABASE IF NOT EXISTS js' })
    const { query_id, summary } = await client.command({
      query: 'CREATE OR REPLACE TABLE js.events (id UInt64, name String, at DateTime64(3)) ENGINE = MergeTree ORDER BY id',
      query_id: 'made-by-us',
      clickhouse_settings: { wait_end_of_query: 1 },
    })
    assert.equal(query_id, 'made-by-us')
    assert.ok(summary)
  },

  async insertRows(client) {
    const rows = Array.from({ length: 1000 }, (_, id) => ({ id, name: `n "${id}"\n`, at: '2024-01-02 03:04:05.678' }))
    const { executed, summary } = await client.insert({ table: 'js.events', values: rows, format: 'JSONEachRow' })
    assert.equal(executed, true)
    assert.equal(summary.written_rows, '1000')
  },

  async insertStream(client) {
    const { Readable } = await import('node:stream')
    const values = Readable.from(
      (function* () {
        for (let id = 1000; id < 50000; ++id) yield [id, `s${id}`, '2024-01-02 03:04:05']
      })(),
    )
    await client.insert({ table: 'js.events', columns: ['id', 'name', 'at'], values, format: 'JSONCompactEachRow' })
  },

  async selectJson(client) {
    const result = await client.query({
      query: 'SELECT count() AS c, max(id) AS m FROM js.events WHERE id >= {low: UInt64}',
      query_params: { low: 10 },
      format: 'JSON',
    })
    const { data, rows, meta } = await result.json()
    assert.deepEqual(data, [{ c: 49990, m: 49999 }])
    assert.equal(rows, 1)
    assert.equal(meta.length, 2)
  },

  async selectStream(client) {
    const result = await client.query({ query: 'SELECT id, name FROM js.events ORDER BY id', format: 'JSONEachRow' })
    let seen = 0
    for await (const rows of result.stream()) {
      for (const row of rows) {
        if (row.json().id !== seen) assert.fail(`row ${seen} is ${row.text}`)
        ++seen
      }
    }
    assert.equal(seen, 50000)
  },

  async exceptions(client) {
    await assert.rejects(client.query({ query: 'SELECT * FROM js.nope' }), { code: '60', type: 'UNKNOWN_TABLE' })
    await assert.rejects(client.command({ query: 'SELEC' }), { code: '62' })
    await assert.rejects(client.insert({ table: 'js.nope', values: [{ id: 1 }], format: 'JSONEachRow' }), { code: '60' })
  },

  // The unfinished body is all that the client makes of it when it decompresses: any error will do then.
  async exceptionInMidStream(client, compression) {
    const result = await client.query({
      query: 'SELECT number, throwIf(number = 3000000) AS t FROM numbers(10000000)',
      format: 'JSONEachRow',
      clickhouse_settings: { max_block_size: '1000' },
    })
    await assert.rejects(async () => {
      for await (const rows of result.stream()) assert.ok(rows)
    }, compression ? Error : /throwIf/)
  },

  async execAndSettings(client) {
    const { stream } = await client.exec({
      query: "SELECT getSetting('max_threads') FORMAT TSV",
      clickhouse_settings: { max_threads: 1 },
    })
    let text = ''
    for await (const piece of stream) text += piece
    assert.equal(text, '1\n')
  },
}

for (const compression of [false, true]) {
  const client = createClient({ url, compression: { request: compression, response: compression } })
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step(client, compression)
    } catch (error) {
      console.error(`${name}, compression ${compression}:`, error)
      process.exit(1)
    }
  }
  await client.close()
}

const stranger = createClient({ url, username: 'stranger', password: 'x' })
await assert.rejects(stranger.query({ query: 'SELECT 1' }), { code: '516', type: 'AUTHENTICATION_FAILED' })
await stranger.close()
console.log('all done')
