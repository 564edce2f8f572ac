import { createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { openJournal } from '../../journal/open-journal.ts'
import { freshDatabase, freshFolder } from './backends.ts'
import { openCuttable } from '../stack/cuttable.ts'
import { newAccount, receiptOf } from './receipts.ts'

describe('the schema', () => {
  it('is made once by several processes that start at once on an empty database', async () => {
    const database = await freshDatabase()
    const journals = await Promise.all(Array.from({ length: 5 }, () => openJournal({ url: database.url })))
    const account = newAccount()
    await journals[0]!.storeReceipts([receiptOf(account, 1)])
    expect((await journals[4]!.totals(account)).epochs).toHaveLength(1)
    await Promise.all(journals.map((journal) => journal.close()))
    await database.drop()
  })

  it('stays as it is when opened again', async () => {
    const database = await freshDatabase()
    await (await openJournal({ url: database.url })).close()
    const applied = await database.run('select * from tollgate.migrations')
    await (await openJournal({ url: database.url })).close()
    expect((await database.run('select * from tollgate.migrations')).rows).toEqual(applied.rows)
    await database.drop()
  })

  it('of a newer program is refused, and left alone', async () => {
    const database = await freshDatabase()
    await (await openJournal({ url: database.url })).close()
    await database.run(`insert into tollgate.migrations (hash, created_at) values ('from the future', 9000000000000)`)
    await expect(openJournal({ url: database.url })).rejects.toMatchObject({
      code: 'journal_newer',
      message: expect.stringContaining('newer Tollgate'),
    })
    await database.drop()
  })
})

describe('a folder', () => {
  it('has one owner at a time, and is free again when that one closes', async () => {
    const folder = freshFolder()
    const owner = await openJournal({ dataDir: folder.dataDir })
    await expect(openJournal({ dataDir: folder.dataDir })).rejects.toMatchObject({ code: 'journal_in_use' })
    await owner.close()
    await (await openJournal({ dataDir: folder.dataDir })).close()
    folder.remove()
  })
})

describe('a database that is away', () => {
  it.each([
    ['refuses connections', 'postgres://nobody@127.0.0.1:1/nothing'],
    ['has no such name', 'postgres://nobody@no-such-host.invalid/nothing'],
  ])('and %s is JournalUnavailable', async (_, url) => {
    await expect(openJournal({ url })).rejects.toMatchObject({ name: 'JournalUnavailable' })
  })

  it('and accepts connections in silence is JournalUnavailable, too', async () => {
    const sockets: Socket[] = []
    const silent = createServer((socket) => sockets.push(socket))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    await expect(openJournal({ url: `postgres://nobody@127.0.0.1:${port}/nothing` })).rejects.toMatchObject({
      name: 'JournalUnavailable',
    })
    for (const socket of sockets) socket.destroy()
    silent.close()
  })

  it('and comes back serves the same journal again', async () => {
    const database = await freshDatabase()
    const gate = await openCuttable(new URL(database.url))
    const journal = await openJournal({ url: gate.url })
    const account = newAccount()
    await journal.storeReceipts([receiptOf(account, 1)])

    gate.cut()
    const unavailable = { name: 'JournalUnavailable' }
    await expect(journal.storeReceipts([receiptOf(account, 2)])).rejects.toMatchObject(unavailable)
    await expect(journal.totals(account)).rejects.toMatchObject(unavailable)
    await expect(journal.findCharge(account, receiptOf(account, 1).id)).rejects.toMatchObject(unavailable)
    await expect(journal.ping()).rejects.toMatchObject(unavailable)

    gate.mend()
    await journal.storeReceipts([receiptOf(account, 2)])
    expect((await journal.totals(account)).epochs[0]?.rows[receiptOf(account, 1).row]?.charged).toBe(200)
    await journal.close()
    gate.close()
    await database.drop()
  })

  it('and falls silent for a while leaves no connection behind that would go on waiting', async () => {
    const database = await freshDatabase()
    const gate = await openCuttable(new URL(database.url))
    const journal = await openJournal({ url: gate.url })
    const account = newAccount()
    await journal.findCharge(account, 'warm')
    gate.silence()
    await expect(journal.findCharge(account, 'asked in vain')).rejects.toMatchObject({ name: 'JournalUnavailable' })
    gate.mend()
    await Promise.all(Array.from({ length: 20 }, (_, index) => journal.findCharge(account, `asked again ${index}`)))
    await journal.close()
    gate.close()
    await database.drop()
  })
})
