import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { patchOf } from '../../operator/injection/patch.ts';
import { edited, patched } from '../builders/admission.ts';

// Keys that a JSON pointer must escape, and those that every object inherits.
const key = fc.oneof(
  fc.stringMatching(/^[a-z~/]{1,6}$/),
  fc.constantFrom('constructor', 'toString', '~1', '~01', 'a/b~c'),
);
const values = fc.dictionary(key, fc.string());
const edits = fc.dictionary(key, fc.oneof(fc.string(), fc.constant(undefined)));

test.prop([fc.option(values, { nil: undefined }), edits], { numRuns: 1_000 })(
  'a patch makes its edits and no others, whatever the keys, and none where nothing changes',
  (own, changes) => {
    const patch = patchOf('labels', own, changes);
    const after = edited(own ?? {}, changes);
    const pod = { metadata: { name: 'web-1', ...(own && { labels: own }) } };
    expect(patched(pod, patch).metadata).toEqual(
      own || patch.length > 0 ? { name: 'web-1', labels: after } : { name: 'web-1' },
    );
    expect(patchOf('labels', after, changes)).toEqual([]);
  },
);
