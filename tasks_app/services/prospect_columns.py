"""Which column of a file holds what: recognised by its heading, or chosen by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tasks_app.models import ConnectedAccount

#: What a column can hold. "account:ID" comes beside it, one for each account.
FIELDS = {
    "first_name": "First name",
    "last_name": "Last name",
    "name": "Full name",
    "email": "Email",
    "title": "Title",
    "company": "Company",
    "phone": "Phone",
    "linkedin_url": "LinkedIn profile",
    "time_zone": "Time zone",
    "owner": "Owner",
    "tags": "Tags",
    "do_not_contact": "Do not contact",
}
LEAVE_OUT = ""

#: Headings as exports write them, without case, spaces and signs.
SPELLINGS = {
    "first_name": (
        "firstname first fname givenname forename contactfirstname leadfirstname "
        "personfirstname prospectfirstname vorname prénom prenom nombre nome voornaam"
    ),
    "last_name": (
        "lastname last lname surname familyname secondname contactlastname leadlastname "
        "personlastname prospectlastname nachname familienname nomdefamille apellido "
        "apellidos sobrenome cognome achternaam"
    ),
    "name": (
        "name fullname contactname personname leadname prospectname displayname contact "
        "prospect person vollständigername nomcomplet nombrecompleto"
    ),
    "email": (
        "email emailaddress mail mailaddress emailid workemail businessemail "
        "companyemail contactemail personemail leademail prospectemail primaryemail "
        "emailwork email1 email1value emailaddress1 cstemail correo correoelectronico "
        "courriel adressemail eposta mailadresse"
    ),
    "title": (
        "title jobtitle position role jobrole jobposition designation persontitle "
        "contacttitle occupation function headline berufsbezeichnung funktion poste "
        "cargo puesto"
    ),
    "company": (
        "company companyname account accountname organization organisation "
        "organizationname organisationname employer business businessname "
        "personcompany companyorganization firma unternehmen société societe "
        "entreprise empresa azienda bedrijf"
    ),
    "phone": (
        "phone phonenumber mobile mobilephone mobilenumber mobilephonenumber cell "
        "cellphone telephone telephonenumber tel workphone businessphone directphone "
        "workdirectphone homephone contactphone personphone primaryphone phone1 "
        "phone1value contactnumber cstmobile telefon telefonnummer handy mobil "
        "téléphone telephone teléfono telefono telefone móvil movil"
    ),
    "linkedin_url": (
        "linkedin linkedinurl linkedinprofile linkedinprofileurl linkedinlink "
        "personlinkedinurl personlinkedin contactlinkedinurl contactlinkedinprofileurl "
        "leadlinkedinurl linkedinpage profileurl linkedinid publicprofileurl"
    ),
    "time_zone": "timezone tz timezonename contacttimezone zeitzone fuseauhoraire",
    "owner": (
        "owner owneremail owneremailaddress ownername owneridemailaddress owneridname "
        "contactowner contactowneremail leadowner leadowneremail prospectowner "
        "prospectowneremail recordowner salesowner salesrep salesrepresentative "
        "assignedto assignedtoemail assigneduser assignee accountmanager "
        "zuständig besitzer responsable propietario proprietario"
    ),
    "tags": "tag tags label labels keywords groups groupmembership etiketten schlagworte",
    "do_not_contact": (
        "donotcontact dnc optout optedout optedoutofemail emailoptout hasoptedout "
        "hasoptedoutofemail unsubscribed donotemail donotcall nocontact dontcontact "
        "donotdisturb blacklisted blocklisted"
    ),
}
FIELD_BY_SPELLING = {
    spelling: name for name, words in SPELLINGS.items() for spelling in words.split()
}
ID_HEADING = re.compile(r"\s*'?id\s*:\s*(.+)", re.IGNORECASE)


@dataclass
class Column:
    """One column: where it goes, and what the preview shows of it.

    `target` is a field, "account:ID" or '' = left out. `note` is '' or a sentence.
    """

    heading: str
    target: str
    note: str = ""
    samples: list[str] = field(default_factory=list)
    filled: int = 0

    @property
    def account_id(self) -> int | None:
        if not self.target.startswith("account:"):
            return None
        return int(self.target.removeprefix("account:"))


def account_target(account: ConnectedAccount) -> str:
    return f"account:{account.pk}"


def choices(accounts: Iterable[ConnectedAccount]) -> dict[str, str]:
    """Return every target with its label, for a select."""
    ids = {account_target(account): f"Id at {account.name}" for account in accounts}
    return {LEAVE_OUT: "Leave out", **FIELDS, **ids}


def recognise(
    headings: Iterable[str], accounts: Iterable[ConnectedAccount]
) -> list[Column]:
    """Return the columns as their headings tell; of two for one field the first."""
    accounts = list(accounts)
    columns: list[Column] = []
    taken: set[str] = set()
    for heading in headings:
        column = Column(heading, *target_of(heading, accounts))
        if column.target in taken:
            column.target = LEAVE_OUT
            column.note = "An earlier column holds this already."
        elif column.target:
            taken.add(column.target)
        columns.append(column)
    if taken & {"first_name", "last_name"}:
        for column in columns:
            if column.target == "name":
                column.target = LEAVE_OUT
                column.note = "First and last name have columns of their own."
    return columns


def target_of(heading: str, accounts: list[ConnectedAccount]) -> tuple[str, str]:
    """Return what a heading says its column holds, and a note."""
    if found := ID_HEADING.fullmatch(heading):
        if account := account_named(found[1], accounts):
            return account_target(account), ""
        return LEAVE_OUT, f"This team has no account named “{found[1].strip()}”."
    spelling = "".join(c for c in heading.casefold() if c.isalnum())
    return FIELD_BY_SPELLING.get(spelling, LEAVE_OUT), ""


def account_named(
    name: str, accounts: list[ConnectedAccount]
) -> ConnectedAccount | None:
    """Return the account of exactly this name, else the only one in another case."""
    name = " ".join(name.split())
    for account in accounts:
        if account.name == name:
            return account
    alike = [a for a in accounts if a.name.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else None


def apply_choices(columns: list[Column], mapping: Mapping[str, str]) -> None:
    """Set the targets that somebody chose by hand: {heading: target}."""
    for column in columns:
        if column.heading in mapping and column.target != mapping[column.heading]:
            column.target = mapping[column.heading]
            column.note = ""


def mapping_problems(columns: list[Column], labels: Mapping[str, str]) -> list[str]:
    """Return sentences about what makes this mapping unusable; [] = none."""
    problems = []
    seen: dict[str, str] = {}
    for column in columns:
        if not column.target:
            continue
        if column.target not in labels:
            problems.append(
                f"“{column.heading}” goes to something that is not there any more. "
                "Choose again."
            )
        elif column.target in seen:
            problems.append(
                f"“{seen[column.target]}” and “{column.heading}” both go to "
                f"{labels[column.target]}. Choose one of them."
            )
        else:
            seen[column.target] = column.heading
    if not seen.keys() & {"email", "name", "first_name", "last_name"}:
        problems.append("Choose which column holds the e-mail or the name.")
    return problems
