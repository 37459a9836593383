// What kube-apiserver checks of labels and annotations: apimachinery's validation.IsQualifiedName and IsValidLabelValue,
// and ValidateAnnotations with its limit for all keys and values together.
const namePattern = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const prefixPattern = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelValuePattern = /^(?=.{0,63}$)([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const mostAnnotationBytes = 256 * 1024;

const isQualified = (key: string): boolean => {
  const parts = key.split('/');
  const [first = '', second] = parts;
  if (parts.length > 2) return false;
  return second === undefined
    ? namePattern.test(first)
    : prefixPattern.test(first) && namePattern.test(second);
};

const sizeOf = (entries: readonly [string, string][]): number =>
  entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);

/** What an API server would say against the labels and annotations of an object; empty where it takes them. */
export const problemsOf = ({
  labels = {},
  annotations = {},
}: {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
} = {}): readonly string[] => {
  const size = sizeOf(Object.entries(annotations));
  return [
    ...Object.entries(labels).flatMap(([key, value]) =>
      isQualified(key) && labelValuePattern.test(value) ? [] : [`label ${key}=${value}`],
    ),
    // Annotation keys are compared in lower case.
    ...Object.keys(annotations).flatMap((key) =>
      isQualified(key.toLowerCase()) ? [] : [`annotation ${key}`],
    ),
    ...(size > mostAnnotationBytes ? [`${size} bytes of annotations`] : []),
  ];
};
