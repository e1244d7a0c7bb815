/** The user asked for something that cannot be done as asked. One line: what, and the remedy. Exit code 2. */
export class WrongCall extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WrongCall'
  }
}
