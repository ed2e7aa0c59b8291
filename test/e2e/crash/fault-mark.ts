// What the faulty bundle holds and a deployed one must not: it is how a test tells them apart.

export const faultMark = "fault: acknowledges before it writes";
