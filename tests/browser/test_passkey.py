"""A passkey is made, signs in, and is removed, by a browser's virtual authenticator."""

from typing import Any

from playwright.async_api import expect
from tests.browser.conftest import OWNER_EMAIL, Enter

EMAIL, PASSWORD = "key@example.org", "a calm sentence"


async def add_authenticator(visitor: Any) -> tuple[Any, str]:
    """An authenticator inside the browser that agrees to everything its user is asked for."""
    session = await visitor.page.context.new_cdp_session(visitor.page)
    await session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


async def test_a_member_makes_a_passkey_and_signs_in_with_it(enter: Enter, running: Any) -> None:
    # A passkey is bound to a host name; a bare address has none.
    url = running.web.url.replace("127.0.0.1", "localhost")
    visitor = await enter()
    page = visitor.page
    session, authenticator = await add_authenticator(visitor)
    await page.goto(f"{url}/account/register")
    await page.get_by_label("Full name").fill("Kay Key")
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Open the account").click()
    await page.get_by_role("link", name="Sign-in and security").click()
    await page.get_by_label("Name of the new passkey").fill("My laptop")
    await page.get_by_role("button", name="Make a passkey").click()
    await expect(page.get_by_text("Your passkey is kept.")).to_be_visible()
    await expect(page.get_by_text("My laptop")).to_be_visible()
    kept = await session.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})
    assert [key["rpId"] for key in kept["credentials"]] == ["localhost"]

    await page.goto(f"{url}/account")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("You are signed out.")).to_be_visible()
    await page.goto(f"{url}/account/sign-in?next=/account/security")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_role("heading", name="Sign-in and security")).to_be_visible()
    assert "/account/security" in page.url

    await page.get_by_role("button", name="Remove My laptop").click()
    await expect(page.get_by_text("The passkey is removed here.")).to_be_visible()
    await page.goto(f"{url}/account")
    await page.get_by_role("button", name="Sign out").click()
    await page.goto(f"{url}/account/sign-in")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_text("This passkey does not open any account here.")).to_be_visible()
    visitor.assert_calm()


async def test_without_a_host_name_the_password_remains(enter: Enter) -> None:
    visitor = await enter()
    await visitor.page.goto("/account/sign-in")
    await expect(visitor.page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    await expect(visitor.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


async def test_staff_make_a_passkey_require_it_and_sign_in_with_it(
    enter: Enter, running: Any, owner_password: str
) -> None:
    url = running.web.url.replace("127.0.0.1", "localhost")
    owner = await enter()
    page = owner.page
    await add_authenticator(owner)
    await page.goto(f"{url}/console/sign-in")
    await page.get_by_label("E-mail").fill(OWNER_EMAIL)
    await page.get_by_label("Password").fill(owner_password)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.goto(f"{url}/console/passkeys")
    await page.get_by_label("Name of the new passkey").fill("Counter PC")
    await page.get_by_role("button", name="Make a passkey").click()
    await expect(page.get_by_text("Your passkey is kept.")).to_be_visible()
    await expect(page.get_by_text("Counter PC")).to_be_visible()
    await page.goto(f"{url}/console/settings")
    await page.get_by_role("button", name="Require passkeys").click()
    await expect(page.get_by_text("Staff sign in with passkeys only from now on.")).to_be_visible()
    try:
        await page.context.clear_cookies()
        await page.goto(f"{url}/console/sign-in?next=/console/orders")
        await page.get_by_label("E-mail").fill(OWNER_EMAIL)
        await page.get_by_label("Password").fill(owner_password)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_text("Please sign in with your passkey.")).to_be_visible()
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible()
    finally:
        # Other tests of this shop sign in with the password.
        await page.goto(f"{url}/console/settings")
        await page.get_by_role("button", name="Allow passwords again").click()
        await expect(page.get_by_text("Passwords open the console again.")).to_be_visible()
