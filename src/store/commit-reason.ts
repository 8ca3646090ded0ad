/** Why a write failed. LMDB's binding says apart that a commit failed and why. */
export async function commitReason(error: unknown): Promise<Error> {
  const { commitError } = error as Error & { readonly commitError?: Promise<never> };
  try {
    await commitError;
    return error as Error;
  } catch (why) {
    return why as Error;
  }
}
