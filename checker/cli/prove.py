"""``quackcheck prove``: what holds after any number of steps, with certificates that can be checked again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from checker.cli.files import write_whole
from checker.cli.results import exit_code, print_runs, print_summary, progress_line, save_traces
from checker.cli.terminal import console as new_console
from checker.engines.interface import Answer, Limits
from checker.engines.smt.certificate import Certificate
from checker.engines.smt.general_certificate import GeneralCertificate
from checker.engines.smt.prove import AUTO, METHODS
from checker.report.data import SCHEMA_VERSION, checked_data
from checker.report.proofs import print_explanation, print_lemmas, proof_data
from checker.report.text import print_verdicts
from checker.spec import Spec, find_specs, load_spec
from checker.spec.check import Status, prove

_EXAMPLES = """\b
Examples:
  quackcheck prove specs/order_intake/keyed.toml
  quackcheck prove SPEC --seconds 600
  quackcheck prove SPEC --explain                     steps that break what is not inductive
  quackcheck prove SPEC --method spacer               by one method only
  quackcheck verify-certificate certificates/order_intake/keyed.json
"""


@click.command("prove", epilog=_EXAMPLES, short_help="Prove specs without a bound on the steps.")
@click.argument("specs", nargs=-1, type=click.Path())
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Stop a spec after this long.",
)
@click.option("--traces", type=click.Path(), default="traces", show_default=True, help="Where traces go.")
@click.option(
    "--certificates",
    type=click.Path(),
    default="certificates",
    show_default=True,
    help="Where certificates go.",
)
@click.option("--explain", is_flag=True, help="Show for every property why it is not inductive by itself.")
@click.option(
    "--method",
    type=click.Choice(METHODS, case_sensitive=False),
    default=AUTO,
    show_default=True,
    help="The only method that may prove; auto is induction and IC3 by turns.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print verdicts, no counterexamples.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on standard output.")
@click.pass_context
def prove_command(
    context: click.Context,
    specs: tuple[str, ...],
    seconds: float,
    traces: str,
    certificates: str,
    explain: bool,
    method: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Prove SPECS (files or folders; all of specs/ by default) for any number of steps.

    The bounds and fault budgets of a spec stay as they are. What cannot be proved is searched for a
    counterexample; what is neither is unknown, and shown with a step that breaks it, from a state that
    may be unreachable. Each proof comes with a certificate: lemmas in the model's own terms (JSON), and what
    has to be true of them (SMT-LIB 2), checked by Z3 before it is written. The model's own @lemma methods are
    used where they hold, and it is told which helped.
    """
    loaded = [load_spec(path) for path in find_specs(specs)]
    console = new_console(stderr=as_json)
    documents: list[dict[str, Any]] = []
    statuses: list[Status] = []
    interrupted = False
    for spec in loaded:
        try:
            with progress_line(str(spec.path)) as show:
                checked, proof = prove(
                    spec,
                    Limits(time_s_max=seconds),
                    lambda now: show(f"{now.text}  {now.seconds:.0f} s"),
                    explain,
                    method,
                )
        except KeyboardInterrupt:  # outside the proof, which keeps what it has found
            interrupted = True
            break
        saved = save_traces(checked, Path(traces))
        certificate = proof.certificate
        path = None if certificate is None else _save(spec, certificate, Path(certificates))
        general = proof.general.certificate
        path_any = None if general is None else _save_general(spec, general, Path(certificates))
        statuses.append(checked.status)
        program = spec.lowered.program
        documents.append(
            {
                **checked_data(checked, saved),
                "certificate": path and str(path),
                "certificate_any_number": path_any and str(path_any),
                "not_for_any_number": proof.general.why_not,
                **proof_data(proof, program),
            }
        )
        if not as_json:
            print_verdicts(console, checked)
            print_lemmas(console, proof.lemmas)
            for written in (path_any, path):
                if written is not None:
                    console.print(f"  certificate: {written}", highlight=False, soft_wrap=True)
            if proof.general.why_not:
                console.print(f"  not for any number: {proof.general.why_not}", highlight=False, style="dim")
            unknown = {f.name for f in checked.findings if f.verdict.answer is Answer.UNKNOWN}
            for finding in checked.findings:
                if finding.name in unknown or finding.verdict.method.startswith("exhausting"):
                    console.print(f"  not proved: {finding.name}: {finding.verdict.reason}", highlight=False)
            for explanation in proof.explanations:
                if explain or (explanation.name in unknown and not quiet):
                    print_explanation(console, program, explanation)
            print_runs(console, checked, saved, quiet)
        if checked.result.stopped == "interrupted":
            interrupted = True
            break
    code = 130 if interrupted else exit_code(statuses)
    if as_json:
        click.echo(json.dumps({"version": SCHEMA_VERSION, "exit_code": code, "specs": documents}, indent=2))
    else:
        print_summary(console, len(loaded), statuses, interrupted)
    context.exit(code)


def _save_general(spec: Spec, certificate: GeneralCertificate, folder: Path) -> Path:
    """Write a certificate for any number and, in a folder beside it, a script for each instance."""
    path = folder / spec.group / f"{spec.name}.any-number.json"
    for name, script in certificate.scripts.items():
        write_whole(path.with_suffix("") / f"{name}.smt2", script)
    write_whole(path, json.dumps(certificate.data(str(spec.path)), indent=1) + "\n")
    return path


def _save(spec: Spec, certificate: Certificate, folder: Path) -> Path:
    """Write a certificate and, beside it, its script; returns the certificate's file."""
    path = folder / spec.group / f"{spec.name}.json"
    write_whole(path, json.dumps(certificate.data(str(spec.path)), indent=1) + "\n")
    write_whole(path.with_suffix(".smt2"), certificate.script)
    return path
