import { heldClients } from '../aws-clients.ts';
import { connect } from './connect.ts';

/** CloudWatch has no locks: a run holds its clients (see heldClients). */
export const { lock, clientsOf } = heldClients(connect);
