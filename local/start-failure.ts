/** Something the user can put right stands in the way of a start. The message is one line that says what. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
}
