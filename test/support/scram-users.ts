// The users of the project `workers-users` in vitest.config.ts, with what they say to get in.

/** Namespaces of one shard and of three. */
export const namespaces = { 1: "one", 3: "three" } as const;

export const passwords = { alice: "correct horse", bob: "battery staple" } as const;

/** Each may use the topics below its own name. */
const user = (name: keyof typeof passwords, password: string) => ({
  name,
  password,
  namespaces: Object.values(namespaces),
  acl: [`topic readwrite ${name}/#`],
});

export const userVariables = {
  NAMESPACES: Object.values(namespaces).join(","),
  USERS: JSON.stringify([
    user("alice", "$pbkdf2-sha256$i=1000$c2FsdCBvZiBhbGljZSAxNg$hXmzrbk0gJ4rz0tYvLMauPUgGXBOu8I8KXaN2YG7eqs"),
    user("bob", "$pbkdf2-sha256$i=1000$c2FsdCBvZiBib2IgMTYxNg$AAAIj8c6JV9ExX9C9Y0eXiX23GLWLHE4ePO4gxEETO4"),
  ]),
  CONNECT_TIMEOUT_MS: "1000",
};
