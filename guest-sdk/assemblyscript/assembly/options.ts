// What options have where nothing is said.

/** The value of a number that is not given; 0 is one that is. */
export const UNSET: i64 = i64.MIN_VALUE;
