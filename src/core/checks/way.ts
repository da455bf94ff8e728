import { rdsHost } from '../../model/rds-host.ts';
import { always, type Check, failed, instantOf, judgeDate, passed, the, tokens, withTls } from './check.ts';

/** The way to the server: its name, the network, TLS and its certificate. */
export const WAY_CHECKS: readonly Check[] = [
  {
    name: 'reachable',
    about: 'something listens at the endpoint',
    needs: ['reach'],
    also: ['server'],
    applies: always,
    judge: ({ reach, server }) => {
      const { dialled, trouble } = the(reach);
      if (trouble === null) return passed(`${dialled} answers`);
      const groups = server && 'value' in server ? server.value.securityGroups : [];
      if (trouble === 'ECONNREFUSED')
        return failed(`nothing listens at ${dialled}`, 'start the server or the tunnel, or correct host and port');
      if (/^E(AI_|NOTFOUND)/.test(trouble))
        return failed(`the name in ${dialled} is not known`, 'correct it, or check name servers, VPN and private DNS');
      return failed(
        `no answer from ${dialled} (${trouble})`,
        `a security group, a network ACL or a route drops it: allow this port from here${groups.length === 0 ? '' : ` in ${groups.join(', ')}`}; a server that is not public needs a way into its VPC`,
      );
    },
  },
  {
    name: 'endpoint-name',
    about: 'tokens are signed for the name that RDS gave to the endpoint',
    needs: [],
    applies: (evidence) => tokens(evidence) && evidence.target.endpoint !== null,
    judge: ({ target: { endpoint } }) => {
      const { host } = endpoint!;
      if (rdsHost(host)) return passed(`'${host}' is a name of RDS`);
      return failed(
        `'${host}' is no name that RDS gave to an endpoint: it refuses tokens for any other`,
        "write the endpoint's own name as endpoint.host, and the address to dial as endpoint.via",
      );
    },
  },
  {
    name: 'tls',
    about: 'TLS is spoken, and the certificate is verified for this host',
    needs: ['tls'],
    applies: withTls,
    judge: ({ tls, target: { endpoint } }) => {
      const facts = the(tls);
      if (facts === null) return failed('the server speaks no TLS', 'turn it on at the server: tokens are never sent without it');
      const agreed = `${facts.protocol}, ${facts.cipher}; ${facts.subject}, signed by ${facts.issuer}`;
      if (facts.error === null || endpoint!.tls !== 'verify-full')
        return passed(`${agreed}${facts.error === null ? '' : ' (not verified, as the manifest says)'}`);
      const hint =
        facts.error === 'ERR_TLS_CERT_ALTNAME_INVALID'
          ? "write the endpoint's own name as endpoint.host; the address to dial is endpoint.via"
          : "name the authority's file in 'ca'; 'ca: rds' stands for those of RDS, and an RDS Proxy needs none";
      return failed(`the certificate is not trusted (${facts.error}): ${agreed}`, hint);
    },
  },
  {
    name: 'certificate-dates',
    about: "the server's certificate is valid, and stays so for a while",
    needs: ['tls'],
    applies: withTls,
    judge: ({ tls, target: { now } }) => {
      const facts = the(tls);
      if (facts === null) return failed('the server speaks no TLS: there is no certificate', 'turn TLS on at the server');
      const span = `valid from ${facts.validFrom} until ${facts.validUntil}`;
      if (instantOf(facts.validFrom) > now) return failed(`not valid yet: ${span}`, "check this machine's clock");
      return judgeDate(facts.validUntil, now, span, 'renew it; of RDS: aws rds modify-db-instance --ca-certificate-identifier');
    },
  },
];
