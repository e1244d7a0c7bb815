/** An edit that cannot be made as meant. One whole sentence says why; nothing has been changed. */
export class Refused extends Error {
  constructor(because: string) {
    super(because)
    this.name = 'Refused'
  }
}
