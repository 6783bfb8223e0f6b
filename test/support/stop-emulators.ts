/** Jest's global tear-down: ends the servers that `start-emulators.ts` started. */
async function stopEmulators(): Promise<void> {
  const child = globalThis.emulatorsProcess;
  if (child === undefined || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.stdin?.end();
  await ended;
}

// biome-ignore lint/style/noDefaultExport: Jest takes a tear-down by its default export
export default stopEmulators;
