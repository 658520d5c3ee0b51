"""Employee bands: how large a company is, without saying how large exactly."""

_FLOORS = (1, 10, 50, 200, 500, 1000, 5000)
EMPLOYEE_BANDS = ("1–9", "10–49", "50–199", "200–499", "500–999", "1,000–4,999", "5,000+")


def employee_band(employees: int | None) -> str | None:
    """The band that the number of employees falls into, as text; None for no number and for none at all."""
    if employees is None or employees < 1:
        return None
    return EMPLOYEE_BANDS[sum(employees >= floor for floor in _FLOORS) - 1]
