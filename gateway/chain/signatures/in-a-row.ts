/**
 * Does what is asked for in one turn of the event loop in a row, after everything that arrived in it was read. For work with large tables,
 * such as recovering a signer (1 MB): done between other work it loads its own anew each time, and pushes that of the other out.
 * @throws what `work` throws, to whom it was for
 */
export function inARow<Question, Answer>(
  work: (question: Question) => Answer,
): (question: Question) => Promise<Answer> {
  let waiting: Waiting<Question, Answer>[] = []

  function doAll(): void {
    const all = waiting
    waiting = []
    for (const { question, resolve, reject } of all)
      try {
        resolve(work(question))
      } catch (error) {
        reject(error)
      }
  }

  return (question) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(doAll)
      waiting.push({ question, resolve, reject })
    })
}

type Waiting<Question, Answer> = {
  question: Question
  resolve(answer: Answer): void
  reject(error: unknown): void
}
