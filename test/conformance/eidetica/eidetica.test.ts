// Eidetica, case by case, on any relay.
import { runCases } from '../target.js';
import { CASES } from './cases.js';

runCases('eidetica', CASES);
