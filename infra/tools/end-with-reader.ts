/** Ends the process, as done, when who reads its standard output has seen enough, as `head` has. For programs' starts. */
export function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
}
