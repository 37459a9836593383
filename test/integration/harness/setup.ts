import { afterAll } from 'vitest';
import { endFile } from './endings.ts';

// Files of one worker share the modules they import; this one alone runs anew for each of them.
afterAll(endFile);
