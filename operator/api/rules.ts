import type { z } from 'zod';

/** A piece of a message that depends on the value: once as CEL of type string over `self`, once in TypeScript. */
export interface Word<T> {
  readonly cel: string;
  readonly of: (value: T) => string;
}

/**
 * A rule that neither a type nor a bound can express, written once for both of its judges: `cel` runs in the API server,
 * `holds` in the operator, and a property test compares their verdicts.
 */
export interface Rule<T> {
  /** CEL over `self`, after defaulting; true when the rule is kept. */
  readonly cel: string;
  /** The same question in TypeScript. */
  readonly holds: (value: T) => boolean;
  /** What is wrong and what to do about it; `{name}` stands for the word of that name. */
  readonly message: string;
  readonly words?: Readonly<Record<string, Word<T>>>;
  /** How the API server words the refusal; it shows the value itself only with `FieldValueInvalid` on a scalar. */
  readonly reason: 'FieldValueInvalid' | 'FieldValueRequired' | 'FieldValueForbidden';
  /** The field to blame, as `.fallback.mode`, below the object that the rule is on; without it, the value itself. */
  readonly fieldPath?: string;
}

/** The pattern of a DNS subdomain, as Kubernetes wants it of API groups, names and the prefixes of label keys. */
export const dnsSubdomain = '[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*';

/** Returns the rule that a string matches a pattern, which must mean the same in RE2 and JavaScript and hold neither quote nor backslash. */
export const matching = (pattern: string, message: string): Rule<string> => {
  const expression = new RegExp(pattern);
  return {
    cel: `self.matches('${pattern}')`,
    holds: (text) => expression.test(text),
    message,
    reason: 'FieldValueInvalid',
  };
};

/** Returns the schema with the rules on it: checked by zod when parsing, and emitted as `x-kubernetes-validations`. */
export const obeying = <S extends z.ZodType>(schema: S, rules: readonly Rule<z.output<S>>[]): S =>
  schema
    .superRefine((value, context) => {
      for (const rule of rules) {
        if (rule.holds(value)) continue;
        context.addIssue({ code: 'custom', path: pathOf(rule.fieldPath), message: messageOf(rule, value) });
      }
    })
    .meta({ 'x-kubernetes-validations': rules.map((rule) => validationOf(rule)) });

const pathOf = (fieldPath = ''): string[] => fieldPath.split('.').slice(1);

const messageOf = <T>({ message, words = {} }: Rule<T>, value: T): string =>
  Object.entries(words).reduce(
    (text, [name, word]) => text.replace(`{${name}}`, () => word.of(value)),
    message,
  );

const validationOf = <T>(rule: Rule<T>): Record<string, string> => ({
  rule: rule.cel,
  ...celMessageOf(rule),
  reason: rule.reason,
  ...(rule.fieldPath === undefined ? {} : { fieldPath: rule.fieldPath }),
});

const celMessageOf = <T>({
  message,
  words = {},
}: Rule<T>): { message: string } | { messageExpression: string } => {
  const names = Object.keys(words);
  if (names.length === 0) return { message };
  // Messages hold no backslash, and no line break, which the API server refuses: a quote is all there is to escape.
  const quoted = `'${message.replaceAll("'", "\\'")}'`;
  return {
    messageExpression: names.reduce(
      (text, name) => text.replace(`{${name}}`, () => `' + ${words[name]?.cel} + '`),
      quoted,
    ),
  };
};
