/** A command cannot be carried out as it was asked for. The message is one line that says why, and what to do. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
}
