// A default of the cluster may lose to hundreds.
const mostListed = 5;

/** Some names in words, at most five of them, and how many more there are. */
export const listed = (names: readonly string[]): string =>
  [
    names.slice(0, mostListed).join(', '),
    ...(names.length > mostListed ? [`and ${names.length - mostListed} more`] : []),
  ].join(' ');
