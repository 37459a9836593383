import { fc } from '@fast-check/vitest';

// Else a maximum is only a limit, and a history that may have 150 steps has ten.
fc.configureGlobal({ defaultSizeToMaxWhenMaxSpecified: true });
