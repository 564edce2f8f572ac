import { callApp } from './call-app.ts'
import { callModel } from './call-model.ts'
import type { Deps } from './deps.ts'
import { drawImage } from './draw-image.ts'
import { askPerson } from './ask-person.ts'
import { searchWeb } from './search-web.ts'
import { startAnswer } from './start-answer.ts'
import { streamReply } from './stream-reply.ts'
import { writeJournal } from './write-journal.ts'

export type Activities = ReturnType<typeof createActivities>

/** By the names under which the catalogue says what they cost. Those that call a model are charged by the gateway. */
export function createActivities(deps: Deps) {
  return {
    callModel: callModel(deps),
    streamReply: streamReply(deps),
    drawImage: drawImage(deps),
    'connected_app.call': callApp(deps),
    'web.search': searchWeb(),
    'task.create': askPerson(deps),
    'workflow.start': startAnswer(deps),
    'journal.write': writeJournal(deps),
  }
}
