/** Not every domain event was taken, after several tries. The same call may succeed later. */
export class PublishFault extends Error {
  override readonly name = "PublishFault";
}
