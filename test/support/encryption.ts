/** The encryption key of the tests: theirs alone, and the same in their processes as in their own gateway. */
export const TEST_ENCRYPTION_KEY = 'q83vEjRWeJCrze8SNFZ4kA7o1XvQm2KpT5sWcYdZbR0=';

/** The same as gateways are composed with. */
export const TEST_ENCRYPTION = { key: Buffer.from(TEST_ENCRYPTION_KEY, 'base64'), previous: null };
