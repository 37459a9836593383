// TotalAnnotationSizeLimitB of apimachinery (pkg/api/validation/objectmeta.go): keys and values of all annotations together.
const mostAnnotationBytes = 256 * 1024;
// Labels have no bound of their own. etcd takes no request over 1.5 MiB unless it is told to (--max-request-bytes), and an
// object holds them in full.
const mostLabelBytes = 1.5 * 1024 * 1024;

/**
 * What of a pod exceeds everything that the API server could store, by field, in words; undefined where nothing does. The API
 * server asks admission before it validates, so such a pod may be sent, and is refused afterwards whatever admission says.
 */
export const excessOf = (pod: { readonly metadata?: unknown }): string | undefined => {
  const { labels, annotations } = recordOf(pod.metadata);
  if (exceeds(annotations, mostAnnotationBytes)) {
    return `metadata.annotations exceeds ${mostAnnotationBytes} bytes, the most that an object may hold`;
  }
  return exceeds(labels, mostLabelBytes)
    ? `metadata.labels exceeds ${mostLabelBytes} bytes, the most that etcd takes of an object`
    : undefined;
};

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

// A character is one byte at least, so nothing is refused that would fit. What JSON.parse made has no inherited keys. Of 60,000
// labels Object.entries takes 75 ms, and this 25.
const exceeds = (map: unknown, most: number): boolean => {
  const record = recordOf(map);
  let left = most;
  for (const key in record) {
    const value = record[key];
    left -= key.length + (typeof value === 'string' ? value.length : 0);
    if (left < 0) return true;
  }
  return false;
};
